-- A claim reads the due messages of an organization in the order of this index, so that no
-- sort is left to plan.
create index outbox_due_id on outbox (org_id, due_at, id) where due_at is not null;
