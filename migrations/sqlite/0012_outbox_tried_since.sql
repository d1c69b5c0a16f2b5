-- The first attempt since a message was created, or since a person retried it: a sink gives
-- up by age.
alter table outbox add column tried_since integer;
