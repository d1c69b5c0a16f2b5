-- The hand-written SQL of the benchmark on Postgres: the limits that the server is measured against, and old rows.
-- A limit does for each delivery what the server has to do, and nothing else. It shares no statement with the store,
-- so it does not share the store's faults. The inbox is one table of the limit's own with as few indexes as the job
-- needs; the other tables are the server's: a statement that no longer fits them fails the benchmark.

-- @schema
create table if not exists bench_inbox (
    id uuid primary key, org_id text not null, provider text not null, route text not null, trigger_id uuid,
    delivery_key text, door_key uuid, headers text not null, query text not null, body bytea not null,
    body_codec smallint not null, status text not null, outcome text, attempt integer not null, due_at bigint,
    received_at bigint not null, processed_at bigint);
alter table bench_inbox alter column body set storage external;
create unique index if not exists bench_inbox_door on bench_inbox (door_key) where door_key is not null;
create index if not exists bench_inbox_due on bench_inbox (due_at, id) where due_at is not null;
create index if not exists bench_inbox_org on bench_inbox (org_id, id);

-- @insert
insert into bench_inbox (id, org_id, provider, route, trigger_id, delivery_key, door_key, headers, query, body, body_codec,
                   status, attempt, due_at, received_at)
select id, 'default', 'github', 'trigger', $7, delivery_key, door_key, headers, '', body, 1,
       'pending', 0, received_at, received_at
from unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::bytea[], $6::bigint[])
     as batch (id, delivery_key, door_key, headers, body, received_at)
on conflict do nothing;

-- @analyze
analyze bench_inbox;

-- @claim
update bench_inbox
set status = 'processing', attempt = attempt + 1, due_at = $2
where id = any (array(
    select id from bench_inbox
    where due_at <= $1
    order by due_at, id
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
update bench_inbox
set status = 'completed', outcome = 'processed', due_at = null, processed_at = $3
from unnest($1::uuid[], $2::integer[]) as settled (claimed_id, claimed_attempt)
where id = claimed_id and attempt = claimed_attempt and status = 'processing';

-- @insert old
-- Processed deliveries with short bodies: only the number of rows matters. Every second key must outlive its row.
with old as (
    insert into inbox (id, org_id, provider, route, delivery_key, headers, query, body, body_codec, status, outcome,
                       attempt, received_at, processed_at)
    select (lpad(to_hex($2 / 1000), 12, '0') || '7000' || substr(md5(n::text), 1, 16))::uuid, 'default', 'github',
           'token', 'old-' || n, '[]', '', decode(repeat('00', 400), 'hex'), 0, 'completed', 'no events', 1, $2 + n,
           $2 + n
    from generate_series(1, $1) as n
    returning id, received_at)
insert into door_keys (key, delivery_id, received_at)
select gen_random_uuid(), id, received_at from old where received_at % 2 = 0;

-- @after insert old
vacuum analyze inbox;
vacuum analyze door_keys;
