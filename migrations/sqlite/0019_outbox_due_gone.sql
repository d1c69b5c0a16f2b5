-- Replaced by outbox_due_id.
drop index outbox_due;
