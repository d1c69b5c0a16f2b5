-- Where the messages of an organization are sent. It has one sink at most, so that
-- nobody has to say which of two a message belongs to; without one that is switched
-- on, its messages wait for consumers that claim them.
create table sinks (
    id            blob primary key,
    org_id        text not null unique references organizations (id),
    kind          text not null,
    url           text,                     -- of an HTTP sink; its secrets are webhook_secrets
    stream        text unique,              -- of a Redis sink
    enabled       boolean not null,
    revision      blob not null,            -- new with each change: what is said late about an old URL counts no more
    failures      integer not null,         -- in a row
    error         text,
    error_at      integer,
    open_until    integer,                  -- nothing is sent before: the circuit is open
    succeeded_at  integer,
    created_at    integer not null,
    updated_at    integer not null
);

-- Of a message's attempts, the ones that do not count: its sink was to blame, or
-- somebody has had a dead letter retried.
alter table outbox add column attempts_before integer not null default 0;
create index outbox_org on outbox (org_id, id);
