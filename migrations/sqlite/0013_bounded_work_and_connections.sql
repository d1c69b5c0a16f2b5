-- A trigger that cannot be fired is put off; its ticks fire from the first one on.
alter table triggers add column due_since integer;  -- that tick

-- Facts of an event that several triggers skipped. An event that started a run, or that one
-- trigger alone skipped, has them in its own row. They go when every event of their time
-- has gone.
create table shared_facts (
    id          blob primary key,
    facts       text not null,          -- JSON
    created_at  integer not null
);
create index shared_facts_created on shared_facts (created_at);
alter table events add column facts_id blob;

-- Turns in a row after which a group had pages left.
alter table poll_groups add column rounds integer not null default 0;
