-- The hand-written SQL of the benchmark on SQLite; see postgres.sql.
-- SQLite has no arrays, and a call costs no round trip: each statement but the claim is for one row, in a transaction
-- around the batch.

-- @schema
create table if not exists bench_inbox (
    id blob primary key, org_id text not null, provider text not null, route text not null, trigger_id blob,
    delivery_key text, door_key blob, headers text not null, query text not null, body blob not null,
    body_codec integer not null, status text not null, outcome text, attempt integer not null, due_at integer,
    received_at integer not null, processed_at integer);
create unique index if not exists bench_inbox_door on bench_inbox (door_key) where door_key is not null;
create index if not exists bench_inbox_due on bench_inbox (due_at, id) where due_at is not null;
create index if not exists bench_inbox_org on bench_inbox (org_id, id);

-- @insert
insert into bench_inbox (id, org_id, provider, route, trigger_id, delivery_key, door_key, headers, query, body, body_codec,
                   status, attempt, due_at, received_at)
values ($1, 'default', 'github', 'trigger', $7, $2, $3, $4, '', $5, 1, 'pending', 0, $6, $6)
on conflict do nothing;

-- @analyze
analyze;

-- @claim
update bench_inbox
set status = 'processing', attempt = attempt + 1, due_at = $2
where id in (select id from bench_inbox where due_at <= $1 order by due_at, id limit $3)
returning id, attempt, org_id, provider, route, trigger_id, delivery_key, headers, query, body, body_codec, received_at;

-- @events
insert into events (id, org_id, trigger_id, automation_id, delivery_id, status, kind, dedup_key, holds_key, title, url,
                    actor, occurred_at, facts, created_at)
values ($1, 'default', $5, $6, $2, 'queued', 'issues.opened', 'github:' || $3, true,
        'Import of a file fails after an upgrade', 'https://github.com/octo-org/octo-repo/issues/42', 'octocat', $7,
        $4, $7)
on conflict do nothing;

-- @runs
insert into runs (id, org_id, automation_id, event_id, trigger_id, status, attempt, created_at)
values ($1, 'default', $4, $2, $3, 'queued', 0, $5);

-- @outbox
insert into outbox (id, org_id, kind, run_id, payload, status, attempt, due_at, created_at)
values ($1, 'default', 'enqueue_enrich', $1, $2, 'pending', 0, $3, $3);

-- @complete
update bench_inbox
set status = 'completed', outcome = 'processed', due_at = null, processed_at = $3
where id = $1 and attempt = $2 and status = 'processing';

-- @insert old
with recursive counted (n) as (select 1 union all select n + 1 from counted where n < $1)
insert into inbox (id, org_id, provider, route, delivery_key, headers, query, body, body_codec, status, outcome, attempt,
                   received_at, processed_at)
select randomblob(16), 'default', 'github', 'token', 'old-' || n, '[]', '', zeroblob(400), 0, 'completed', 'no events', 1,
       $2 + n, $2 + n
from counted;

-- @after insert old
insert into door_keys (key, delivery_id, received_at)
select randomblob(16), id, received_at from inbox where status = 'completed' and received_at % 2 = 0;
