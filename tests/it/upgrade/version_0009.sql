-- The statements of the version whose newest migration is 0009, as it sends them to
-- Postgres: a replica of it goes on with them while a newer one migrates.

-- accept
insert into inbox (id, org_id, provider, route, trigger_id, integration_id, delivery_key, door_key, headers, query, body, body_codec, received_at, due_at, status, attempt)
select id, org_id, provider, route, trigger_id, integration_id, delivery_key, door_key, headers, query, body, body_codec, received_at, due_at, status, attempt
from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::uuid[], $6::uuid[], $7::text[], $8::uuid[], $9::text[], $10::text[], $11::bytea[], $12::int2[], $13::int8[], $14::int8[], $15::text[], $16::int4[])
    as d (id, org_id, provider, route, trigger_id, integration_id, delivery_key, door_key, headers, query, body, body_codec, received_at, due_at, status, attempt)
on conflict do nothing
returning id;

-- claim
with due as materialized (
    select id, status from inbox where due_at <= $1 order by due_at, id limit $2 for update skip locked
) update inbox set status = $3, attempt = attempt + 1, due_at = $4
from due where inbox.id = due.id
returning inbox.id, attempt, attempts_before, org_id, provider, route, trigger_id, integration_id, headers, query, body, body_codec, received_at, due.status = $3 as is_reclaimed;

-- settle
with settled as (
    update inbox set status = s.status, outcome = s.outcome, error = s.error,
        due_at = s.due_at, processed_at = s.processed_at,
        org_id = coalesce(inbox.org_id, s.org_id),
        integration_id = coalesce(inbox.integration_id, s.integration_id),
        provider = coalesce(s.provider, inbox.provider)
    from unnest($27::uuid[], $28::int4[], $29::text[], $30::text[], $31::text[], $32::int8[], $33::int8[], $34::text[], $35::uuid[], $36::text[])
        as s (id, attempt, status, outcome, error, due_at, processed_at, org_id, integration_id, provider)
    where inbox.id = s.id and inbox.attempt = s.attempt and inbox.status = $37
    returning inbox.id, inbox.attempt
), written as (
    insert into events (id, delivery_id, org_id, trigger_id, automation_id, status, kind, dedup_key, holds_key, title, url, actor, occurred_at, facts, skip_reason, skip_detail, replay_of, processed_at, created_at)
    select id, delivery_id, org_id, trigger_id, automation_id, status, kind, dedup_key, holds_key, title, url, actor, occurred_at, facts, skip_reason, skip_detail, replay_of, processed_at, created_at
    from unnest($1::uuid[], $2::uuid[], $3::text[], $4::uuid[], $5::uuid[], $6::text[], $7::text[], $8::text[], $9::bool[], $10::text[], $11::text[], $12::text[], $13::int8[], $14::text[], $15::text[], $16::text[], $17::uuid[], $18::int8[], $19::int8[], $20::int4[]) with ordinality
        as e (id, delivery_id, org_id, trigger_id, automation_id, status, kind, dedup_key, holds_key, title, url, actor, occurred_at, facts, skip_reason, skip_detail, replay_of, processed_at, created_at, attempt, position)
    where (e.delivery_id, e.attempt) in (select id, attempt from settled) order by position
    on conflict (trigger_id, dedup_key) where holds_key do nothing
    returning id, org_id, trigger_id, automation_id, created_at
), started as (
    insert into runs (id, event_id, org_id, automation_id, trigger_id, status, attempt, created_at)
    select r.id, w.id, w.org_id, w.automation_id, w.trigger_id, $24, 0, w.created_at
    from unnest($21::uuid[], $22::uuid[], $23::text[]) as r (id, event_id, payload) join written w on w.id = r.event_id
), handed_over as (
    insert into outbox (id, run_id, org_id, kind, payload, status, attempt, due_at, created_at)
    select r.id, r.id, w.org_id, $25, r.payload, $26, 0, w.created_at, w.created_at
    from unnest($21::uuid[], $22::uuid[], $23::text[]) as r (id, event_id, payload) join written w on w.id = r.event_id
)
select array(select id from settled order by id), array(select attempt from settled order by id), array(select id from written);
