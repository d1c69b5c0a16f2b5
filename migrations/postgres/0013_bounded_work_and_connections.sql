-- A trigger that cannot be fired is put off; its ticks fire from the first one on.
alter table triggers add column due_since bigint;  -- that tick
