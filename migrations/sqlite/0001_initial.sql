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
    created_at  integer not null
);

create table api_keys (
    id          blob primary key,
    org_id      text not null references organizations (id),
    name        text not null,
    hash        blob not null unique,      -- SHA-256 of the key
    hint        text not null,              -- its first characters, for people
    created_at  integer not null,
    revoked_at  integer
);

create table automations (
    id          blob primary key,
    org_id      text not null references organizations (id),
    name        text not null,
    enabled     integer not null,
    created_at  integer not null,
    updated_at  integer not null,
    deleted_at  integer
);
create index automations_org on automations (org_id, id);

create table integrations (
    id             blob primary key,
    org_id         text not null references organizations (id),
    provider       text not null,
    name           text,
    connection_id  text,
    account        text,
    status         text not null,
    created_at     integer not null,
    updated_at     integer not null,
    deleted_at     integer
);
create index integrations_org on integrations (org_id, id);
-- An account belongs to one integration, or an app-level delivery could reach an
-- organization that only claims the account.
create unique index integrations_account on integrations (provider, account)
    where account is not null and deleted_at is null;
create unique index integrations_connection on integrations (connection_id)
    where connection_id is not null and deleted_at is null;

create table triggers (
    id              blob primary key,
    org_id          text not null references organizations (id),
    automation_id   blob not null references automations (id),
    name            text not null,
    provider        text not null,
    kind            text not null,
    integration_id  blob references integrations (id),
    config          text not null,          -- JSON
    enabled         integer not null,
    token           text unique,            -- of its URL
    created_at      integer not null,
    updated_at      integer not null,
    deleted_at      integer
);
create index triggers_org on triggers (org_id, id);
create index triggers_automation on triggers (automation_id, id);
create index triggers_integration on triggers (integration_id) where integration_id is not null;

create table webhook_secrets (
    id          blob primary key,
    subject     blob not null,              -- a trigger or an integration
    sealed      blob not null,             -- encrypted with the master key
    created_at  integer not null,
    expires_at  integer
);
create index webhook_secrets_subject on webhook_secrets (subject);

-- Which triggers and integrations have changed, so that each replica refreshes
-- what it knows about routes without reading them all. The counter's row lock
-- makes revisions become visible in their order.
create table counters (
    name   text primary key,
    value  integer not null
);
insert into counters (name, value) values ('routes', 0);
create table route_changes (
    subject   blob primary key,             -- a trigger or an integration
    revision  integer not null
);
create index route_changes_revision on route_changes (revision);

create table inbox (
    id              blob primary key,
    org_id          text,                   -- unknown until an account is resolved
    provider        text not null,
    route           text not null,
    trigger_id      blob,
    integration_id  blob,
    delivery_key    text,                   -- the sender's id
    door_key        blob,                   -- digest of source and delivery_key
    headers         text not null,          -- JSON
    query           text not null,
    body            blob not null,         -- as it arrived, compressed by body_codec
    body_codec      integer not null,      -- 0 none, 1 LZ4 block after a 4-byte length
    status          text not null,
    outcome         text,
    error           text,
    attempt         integer not null,       -- claims so far, never fewer: the fence of a worker's writes
    attempts_before integer not null default 0, -- of those, the ones that do not count against attempts_max
    due_at          integer,                 -- next attempt, or end of the lease
    received_at     integer not null,
    processed_at    integer
);
create unique index inbox_door on inbox (door_key) where door_key is not null;
create index inbox_due on inbox (due_at) where due_at is not null;
create index inbox_org on inbox (org_id, id);

create table events (
    id             blob primary key,
    org_id         text not null,
    trigger_id     blob not null,
    automation_id  blob not null,
    delivery_id    blob,
    status         text not null,
    kind           text not null check (kind <> ''),
    dedup_key      text not null check (dedup_key <> ''),
    holds_key      integer not null,        -- false once skipped: the key is free
    title          text not null,
    url            text,
    actor          text,
    occurred_at    integer,
    facts          text not null,           -- JSON
    skip_reason    text,
    skip_detail    text,
    error          text,
    replay_of      blob,
    created_at     integer not null,
    processed_at   integer
);
create unique index events_dedup on events (trigger_id, dedup_key) where holds_key;
create index events_trigger on events (trigger_id, id);
create index events_org on events (org_id, id);

create table runs (
    id             blob primary key,
    org_id         text not null,
    automation_id  blob not null,
    event_id       blob not null unique,
    trigger_id     blob not null,
    status         text not null,
    status_reason  text,
    attempt        integer not null,
    deadline_at    integer,
    started_at     integer,
    completed_at   integer,
    result         text,                    -- JSON
    error          text,
    created_at     integer not null
);
create index runs_org on runs (org_id, id);

create table outbox (
    id            blob primary key,         -- of a hand-off: the run's UUID
    org_id        text not null,
    kind          text not null,
    run_id        blob not null,
    payload       text not null,            -- JSON
    status        text not null,
    attempt       integer not null,
    due_at        integer,                   -- next attempt, or end of the lease
    lease_token   blob,
    error         text,
    created_at    integer not null,
    processed_at  integer
);
create index outbox_due on outbox (org_id, due_at) where due_at is not null;

-- Every change of a status after the first.
create table transitions (
    id           blob primary key,
    org_id       text not null,
    subject      blob not null,             -- an event or a run
    from_status  text not null,
    to_status    text not null,
    actor        text not null,
    reason       text,
    at           integer not null
);
create index transitions_subject on transitions (subject, id);
