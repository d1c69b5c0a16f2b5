-- Reads the whole table, and blocks no writer.
alter table inbox validate constraint inbox_0_bound;
