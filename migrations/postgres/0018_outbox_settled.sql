-- no-transaction
-- Dead letters of an organization, by page and in bulk.
create index concurrently if not exists outbox_settled on outbox (org_id, status, id) where due_at is null;
