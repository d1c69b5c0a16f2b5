-- What is asked of a service for all polling triggers of an integration. Its row is
-- the lock under which triggers join and leave it, so it exists exactly as long as a
-- trigger does; the epoch, which never decreases, fences the writes of a poll.
create table poll_groups (
    id              blob primary key,
    org_id          text not null references organizations (id),
    provider        text not null,
    integration_id  blob not null references integrations (id),
    epoch           integer not null,
    changes         integer not null,       -- of its triggers, which a page under way has not seen
    due_at          integer,                -- the next poll, or the end of the lease; none while paused
    lease_until     integer,                -- while a worker polls
    pause_until     integer,                -- until when the service wants to be left alone
    cursor          text,                   -- JSON of the provider's
    cursor_at       integer,
    started_at      integer,                -- the last poll began
    polled_at       integer,                -- the last poll that succeeded ended
    failures        integer not null,       -- in a row
    error           text,
    error_at        integer,
    created_at      integer not null
);
create unique index poll_groups_key on poll_groups (org_id, provider, integration_id);
create index poll_groups_integration on poll_groups (integration_id);
create index poll_groups_due on poll_groups (due_at) where due_at is not null;

-- A polling trigger has an interval, or a cron.
alter table triggers add column poll_interval_seconds integer;
