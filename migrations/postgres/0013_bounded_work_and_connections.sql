-- A trigger that cannot be fired is put off; its ticks fire from the first one on.
alter table triggers add column due_since bigint;  -- that tick

-- Facts of an event that several triggers skipped. An event that started a run, or that one
-- trigger alone skipped, has them in its own row. They go when every event of their time
-- has gone.
create table shared_facts (
    id          uuid primary key,
    facts       text not null,          -- JSON
    created_at  bigint not null
);
alter table shared_facts alter column facts set storage external;
create index shared_facts_created on shared_facts (created_at);
alter table events add column facts_id uuid;

-- A connection of Nango is a key and an id together. An integration of before knows the id
-- alone: it learns the key from signed messages, where they leave no doubt.
alter table integrations add column provider_config_key text;
alter table integrations add column seen_config_key text;   -- the first key in a message, while it had none
alter table integrations add column other_config_key text;  -- a second one: the id is ambiguous
drop index integrations_connection;
create unique index integrations_connection on integrations (connection_id, coalesce(provider_config_key, ''))
    where connection_id is not null and deleted_at is null;

-- Turns in a row after which a group had pages left.
alter table poll_groups add column rounds integer not null default 0;
