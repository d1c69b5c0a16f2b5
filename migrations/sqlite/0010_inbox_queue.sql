-- Live work apart from the archive. A row of inbox_queue lives from the commit of a delivery
-- until the delivery has ended: claims read and write this small table, and never a body.
-- Dead letters and held deliveries stay here until a person has decided; so does everything
-- that someone may still ask for.
create table inbox_queue (
    position        integer primary key autoincrement, -- the order within a lane
    id              blob not null unique,   -- of the delivery
    lane            blob not null,          -- whose share of the workers it uses
    org_id          text,
    trigger_id      blob,
    integration_id  blob,
    door_key        blob,                   -- in door_keys, if the delivery holds one
    status          text not null,
    bytes           integer not null,        -- of the body once it is unpacked
    attempt         integer not null default 0, -- claims so far, never fewer: the fence of a worker's writes
    tries           integer not null default 0, -- attempts that failed
    deaths          integer not null default 0, -- attempts during which their worker died
    due_at          integer,                 -- none: at once, by every clock
    worker          blob,                   -- the process that holds it
    suspect         integer not null default 0, -- a worker died while it held it
    begun           integer not null default 0, -- of a suspect: its work began
    retry_since     integer not null,        -- the age of the retries counts from here
    only_triggers   text,                   -- JSON: the others have had their events
    error           text,
    received_at     integer not null
);
-- Each index has the order of its readers, so no plan sorts, however old the statistics are.
create index inbox_queue_ready on inbox_queue (lane, position) where due_at is null and worker is null;
create index inbox_queue_due on inbox_queue (due_at, id) where due_at is not null;
create index inbox_queue_parked on inbox_queue (org_id, status, id) where due_at is not null;
create index inbox_queue_worker on inbox_queue (worker, id) where worker is not null;

-- The processes that hold deliveries. Each renews one lease for everything that it holds.
create table inbox_workers (
    id           blob primary key,
    lease_until  integer not null
);

-- By what the door recognizes a repeated delivery. A key outlives the row of its delivery,
-- and is removed where the delivery started nothing.
create table door_keys (
    key          blob primary key,          -- digest of source and the sender's id
    delivery_id  blob not null,
    received_at  integer not null
) without rowid;
create index door_keys_received on door_keys (received_at);

-- What a retry needs to know about a delivery that has left the queue.
alter table inbox add column body_bytes integer;     -- of the body once it is unpacked
alter table inbox add column started_runs integer;

-- On hold: deliveries are stored and wait for a person.
alter table triggers add column held_at integer;
alter table integrations add column held_at integer;
