-- A claim reads the due messages of an organization in the order of this index, so that no
-- sort is left to plan.
create index outbox_due_id on outbox (org_id, due_at, id) where due_at is not null;
drop index outbox_due;
-- Dead letters of an organization, by page and in bulk.
create index outbox_settled on outbox (org_id, status, id) where due_at is null;
-- The first attempt since a message was created, or since a person retried it: a sink gives
-- up by age.
alter table outbox add column tried_since integer;
