-- A named cron definition of an automation; triggers point at it.
create table schedules (
    id             uuid primary key,
    org_id         text not null references organizations (id),
    automation_id  uuid not null references automations (id),
    name           text not null,
    cron           text not null,
    timezone       text not null,
    created_at     bigint not null,
    updated_at     bigint not null,
    deleted_at     bigint
);
create index schedules_automation on schedules (automation_id, id);

-- A trigger that fires by the clock has a cron of its own, or a schedule.
alter table triggers add column cron text;
alter table triggers add column timezone text;
alter table triggers add column schedule_id uuid references schedules (id);
alter table triggers add column missed_ticks text;
alter table triggers add column due_at bigint;  -- the next tick; none while it is off
create index triggers_due on triggers (due_at) where due_at is not null;
create index triggers_schedule on triggers (schedule_id) where schedule_id is not null;

-- The trigger of an automation's manual runs, of which there is one.
alter table triggers add column manual_of uuid;
create unique index triggers_manual on triggers (manual_of) where manual_of is not null;
