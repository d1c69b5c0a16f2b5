-- Times are microseconds since 1970 in UTC; the host passes them in, SQL never
-- asks for the time. Ids are UUIDv7. States are text; their meaning and their
-- transitions stand in host/src/domain/status.rs, so no index names a state:
-- what is due has a due_at, what occupies a deduplication key holds it.
--
-- Events, runs and the outbox reference triggers and automations without foreign
-- keys: those are never deleted, only marked, and a check per row would cost the
-- hot path a lock on the same few trigger rows.

create table organizations (
    id          text primary key,
    created_at  bigint not null
);

create table api_keys (
    id          uuid primary key,
    org_id      text not null references organizations (id),
    name        text not null,
    hash        bytea not null unique,      -- SHA-256 of the key
    hint        text not null,              -- its first characters, for people
    created_at  bigint not null,
    revoked_at  bigint
);

create table automations (
    id          uuid primary key,
    org_id      text not null references organizations (id),
    name        text not null,
    enabled     boolean not null,
    created_at  bigint not null,
    updated_at  bigint not null,
    deleted_at  bigint
);
create index automations_org on automations (org_id, id);

create table integrations (
    id             uuid primary key,
    org_id         text not null references organizations (id),
    provider       text not null,
    name           text,
    connection_id  text,
    account        text,
    status         text not null,
    created_at     bigint not null,
    updated_at     bigint not null,
    deleted_at     bigint
);
create index integrations_org on integrations (org_id, id);
-- An account belongs to one integration, or an app-level delivery could reach an
-- organization that only claims the account.
create unique index integrations_account on integrations (provider, account)
    where account is not null and deleted_at is null;
create unique index integrations_connection on integrations (connection_id)
    where connection_id is not null and deleted_at is null;

create table triggers (
    id              uuid primary key,
    org_id          text not null references organizations (id),
    automation_id   uuid not null references automations (id),
    name            text not null,
    provider        text not null,
    kind            text not null,
    integration_id  uuid references integrations (id),
    config          text not null,          -- JSON
    enabled         boolean not null,
    token           text unique,            -- of its URL
    created_at      bigint not null,
    updated_at      bigint not null,
    deleted_at      bigint
);
create index triggers_org on triggers (org_id, id);
create index triggers_automation on triggers (automation_id, id);
create index triggers_integration on triggers (integration_id) where integration_id is not null;

create table webhook_secrets (
    id          uuid primary key,
    subject     uuid not null,              -- a trigger or an integration
    sealed      bytea not null,             -- encrypted with the master key
    created_at  bigint not null,
    expires_at  bigint
);
create index webhook_secrets_subject on webhook_secrets (subject);

-- Which triggers and integrations have changed, so that each replica refreshes
-- what it knows about routes without reading them all. The counter's row lock
-- makes revisions become visible in their order.
create table counters (
    name   text primary key,
    value  bigint not null
);
insert into counters (name, value) values ('routes', 0);
create table route_changes (
    subject   uuid primary key,             -- a trigger or an integration
    revision  bigint not null
);
create index route_changes_revision on route_changes (revision);

create table inbox (
    id              uuid primary key,
    org_id          text,                   -- unknown until an account is resolved
    provider        text not null,
    route           text not null,
    trigger_id      uuid,
    integration_id  uuid,
    delivery_key    text,                   -- the sender's id
    door_key        uuid,                   -- digest of source and delivery_key
    headers         text not null,          -- JSON
    query           text not null,
    body            bytea not null,         -- as it arrived, compressed by body_codec
    body_codec      smallint not null,      -- 0 none, 1 LZ4 block after a 4-byte length
    status          text not null,
    outcome         text,
    error           text,
    attempt         integer not null,       -- claims so far, never fewer: the fence of a worker's writes
    attempts_before integer not null default 0, -- of those, the ones that do not count against attempts_max
    due_at          bigint,                 -- next attempt, or end of the lease
    received_at     bigint not null,
    processed_at    bigint
);
-- Compressed already; Postgres would only spend time on it.
alter table inbox alter column body set storage external;
create unique index inbox_door on inbox (door_key) where door_key is not null;
create index inbox_due on inbox (due_at) where due_at is not null;
create index inbox_org on inbox (org_id, id);

create table events (
    id             uuid primary key,
    org_id         text not null,
    trigger_id     uuid not null,
    automation_id  uuid not null,
    delivery_id    uuid,
    status         text not null,
    kind           text not null check (kind <> ''),
    dedup_key      text not null check (dedup_key <> ''),
    holds_key      boolean not null,        -- false once skipped: the key is free
    title          text not null,
    url            text,
    actor          text,
    occurred_at    bigint,
    facts          text not null,           -- JSON
    skip_reason    text,
    skip_detail    text,
    error          text,
    replay_of      uuid,
    created_at     bigint not null,
    processed_at   bigint
);
alter table events alter column facts set storage external;
create unique index events_dedup on events (trigger_id, dedup_key) where holds_key;
create index events_trigger on events (trigger_id, id);
create index events_org on events (org_id, id);

create table runs (
    id             uuid primary key,
    org_id         text not null,
    automation_id  uuid not null,
    event_id       uuid not null unique,
    trigger_id     uuid not null,
    status         text not null,
    status_reason  text,
    attempt        integer not null,
    deadline_at    bigint,
    started_at     bigint,
    completed_at   bigint,
    result         text,                    -- JSON
    error          text,
    created_at     bigint not null
);
create index runs_org on runs (org_id, id);

create table outbox (
    id            uuid primary key,         -- of a hand-off: the run's UUID
    org_id        text not null,
    kind          text not null,
    run_id        uuid not null,
    payload       text not null,            -- JSON
    status        text not null,
    attempt       integer not null,
    due_at        bigint,                   -- next attempt, or end of the lease
    lease_token   uuid,
    error         text,
    created_at    bigint not null,
    processed_at  bigint
);
create index outbox_due on outbox (org_id, due_at) where due_at is not null;

-- Every change of a status after the first.
create table transitions (
    id           uuid primary key,
    org_id       text not null,
    subject      uuid not null,             -- an event or a run
    from_status  text not null,
    to_status    text not null,
    actor        text not null,
    reason       text,
    at           bigint not null
);
create index transitions_subject on transitions (subject, id);
