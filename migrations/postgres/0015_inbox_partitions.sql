-- The archive is partitioned by the time in the ids of its rows (UUIDv7), so that retention
-- drops partitions. The host creates a partition for each day in advance.
alter table inbox rename to inbox_0;
alter index inbox_pkey rename to inbox_0_pkey;
alter index inbox_due rename to inbox_0_due;
alter index inbox_org rename to inbox_0_org;
alter index inbox_door rename to inbox_0_door;
alter index inbox_ended rename to inbox_0_ended;
alter index inbox_emptied rename to inbox_0_emptied;
drop trigger inbox_door_key on inbox_0;

create table inbox (like inbox_0 including defaults including storage) partition by range (id);
alter table inbox add primary key (id);
do $$
declare
    bound text := (select substring(pg_get_constraintdef(oid) from '[0-9a-f]{8}-[0-9a-f-]{27}')
        from pg_constraint where conname = 'inbox_0_bound' and conrelid = 'inbox_0'::regclass);
begin
    execute format('alter table inbox attach partition inbox_0 for values from (minvalue) to (%L)', bound);
end $$;
create index inbox_org on inbox (org_id, id);
-- Only replicas of the version before set due_at.
create index inbox_due on inbox (due_at) where due_at is not null;
create trigger inbox_door_key before insert on inbox
    for each row when (new.door_key is not null) execute function inbox_door_key();
