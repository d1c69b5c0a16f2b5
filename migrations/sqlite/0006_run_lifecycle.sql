-- What a consumer that works on a run has said, and when it must be heard of again.
alter table runs add column start_id text;              -- the consumer's name for its start
alter table runs add column inactivity_us integer;       -- how long it may be silent
alter table runs add column heartbeat_due_at integer;
alter table runs add column due_at integer;              -- when the finalizer has to look at it
alter table runs add column completion_id text;         -- the consumer's name for its completion
alter table runs add column completion_outcome text;    -- how it ended, in the consumer's words
create index runs_due on runs (due_at) where due_at is not null;

alter table transitions add column comment text;
