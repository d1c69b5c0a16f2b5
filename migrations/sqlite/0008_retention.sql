-- What has ended is deleted once it is old. A row that still occupies a deduplication
-- key when it has grown too old to be kept is emptied instead: it belongs to no
-- organization any more, and has nothing left but its key.
alter table inbox add column emptied_at integer;
alter table events add column emptied_at integer;

-- What a pass looks for, oldest first. The status is a column and no condition,
-- because no index names a state.
create index inbox_ended on inbox (status, processed_at)
    where processed_at is not null and emptied_at is null;
create index inbox_emptied on inbox (received_at) where emptied_at is not null;
create index events_ended on events (status, processed_at)
    where processed_at is not null and emptied_at is null;
create index events_emptied on events (created_at) where emptied_at is not null;
create index runs_ended on runs (status, completed_at) where completed_at is not null;
create index outbox_ended on outbox (status, processed_at) where processed_at is not null;
create index transitions_at on transitions (at);

-- What one replica does at a time.
create table chores (
    name    text primary key,
    due_at  integer not null         -- the next turn, or the end of a replica's lease
);
insert into chores (name, due_at) values ('retention', 0);
