-- Services say what becomes of a connection or an installation: why an integration
-- is in its status, who put it there, and up to when its service was heard, so
-- that an older message never overrides a newer one.
alter table integrations add column status_reason text;
alter table integrations add column status_set_by text not null default 'person';
alter table integrations add column service_heard_at bigint;
