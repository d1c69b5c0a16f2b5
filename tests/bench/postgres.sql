-- The hand-written SQL of the benchmark on Postgres: the limits that the server is measured against, and old rows.
-- A limit does for each delivery what the server has to do, and nothing else. It shares no statement with the store,
-- so it does not share the store's faults. The tables are the server's own: a statement that no longer fits them fails
-- the benchmark.

-- @insert
insert into inbox (id, org_id, provider, route, trigger_id, delivery_key, door_key, headers, query, body, body_codec,
                   status, attempt, due_at, received_at)
select id, 'default', 'github', 'trigger', $7, delivery_key, door_key, headers, '', body, 1,
       'pending', 0, received_at, received_at
from unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::bytea[], $6::bigint[])
     as batch (id, delivery_key, door_key, headers, body, received_at)
on conflict do nothing;

-- @analyze
analyze inbox;

-- @claim
update inbox
set status = 'processing', attempt = attempt + 1, due_at = $2
where id = any (array(
    select id from inbox
    where due_at <= $1
    order by due_at
    limit $3
    for update skip locked))
returning id, attempt, org_id, provider, route, trigger_id, delivery_key, headers, query, body, body_codec, received_at;

-- @events
insert into events (id, org_id, trigger_id, automation_id, delivery_id, status, kind, dedup_key, holds_key, title, url,
                    actor, occurred_at, facts, created_at)
select id, 'default', $5, $6, delivery_id, 'queued', 'issues.opened', 'github:' || delivery_key, true,
       'Import of a file fails after an upgrade', 'https://github.com/octo-org/octo-repo/issues/42', 'octocat', $7,
       facts, $7
from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[]) as batch (id, delivery_id, delivery_key, facts)
on conflict do nothing
returning id;

-- @runs
insert into runs (id, org_id, automation_id, event_id, trigger_id, status, attempt, created_at)
select id, 'default', $4, event_id, $3, 'queued', 0, $5
from unnest($1::uuid[], $2::uuid[]) as batch (id, event_id);

-- @outbox
insert into outbox (id, org_id, kind, run_id, payload, status, attempt, due_at, created_at)
select id, 'default', 'enqueue_enrich', id, payload, 'pending', 0, $3, $3
from unnest($1::uuid[], $2::text[]) as batch (id, payload);

-- @complete
update inbox
set status = 'completed', outcome = 'processed', due_at = null, processed_at = $3
from unnest($1::uuid[], $2::integer[]) as settled (claimed_id, claimed_attempt)
where id = claimed_id and attempt = claimed_attempt and status = 'processing';

-- @insert old
-- Processed deliveries with short bodies: only the number of rows matters. Every second key must outlive its row.
insert into inbox (id, org_id, provider, route, delivery_key, door_key, headers, query, body, body_codec, status,
                   outcome, attempt, received_at, processed_at)
select gen_random_uuid(), 'default', 'github', 'token', 'old-' || n,
       case when n % 2 = 0 then gen_random_uuid() end, '[]', '', decode(repeat('00', 400), 'hex'), 0, 'completed',
       'no events', 1, $2 + n, $2 + n
from generate_series(1, $1) as n;

-- @after insert old
vacuum analyze inbox;
