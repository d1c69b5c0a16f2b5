-- The first attempt since a message was created, or since a person retried it: a sink gives
-- up by age.
alter table outbox add column tried_since bigint;

-- Rows of both are changed a few times soon after they are written: room on their page
-- keeps the new version there. Both are cleaned by the number of dead rows and not by a
-- fifth of a table that only grows, and its statistics follow a burst.
alter table outbox set (fillfactor = 80,
    autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000,
    autovacuum_analyze_scale_factor = 0.01, autovacuum_analyze_threshold = 1000,
    autovacuum_vacuum_insert_scale_factor = 0.05);
alter table runs set (fillfactor = 80,
    autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000,
    autovacuum_analyze_scale_factor = 0.01, autovacuum_analyze_threshold = 1000,
    autovacuum_vacuum_insert_scale_factor = 0.05);
