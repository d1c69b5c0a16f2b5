-- The hand-written SQL of the benchmark on SQLite; see postgres.sql.
-- SQLite has no arrays, and a call costs no round trip: each statement but the claim is for one row, in a transaction
-- around the batch.

-- @insert
insert into inbox (id, org_id, provider, route, trigger_id, delivery_key, door_key, headers, query, body, body_codec,
                   status, attempt, due_at, received_at)
values ($1, 'default', 'github', 'trigger', $7, $2, $3, $4, '', $5, 1, 'pending', 0, $6, $6)
on conflict do nothing;

-- @analyze
analyze;

-- @claim
update inbox
set status = 'processing', attempt = attempt + 1, due_at = $2
where id in (select id from inbox where due_at <= $1 order by due_at limit $3)
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
update inbox
set status = 'completed', outcome = 'processed', due_at = null, processed_at = $3
where id = $1 and attempt = $2 and status = 'processing';

-- @insert old
with recursive counted (n) as (select 1 union all select n + 1 from counted where n < $1)
insert into inbox (id, org_id, provider, route, delivery_key, door_key, headers, query, body, body_codec, status,
                   outcome, attempt, received_at, processed_at)
select randomblob(16), 'default', 'github', 'token', 'old-' || n,
       case when n % 2 = 0 then randomblob(16) end, '[]', '', zeroblob(400), 0, 'completed',
       'no events', 1, $2 + n, $2 + n
from counted;
