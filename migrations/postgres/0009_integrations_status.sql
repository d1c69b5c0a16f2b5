-- Integrations that wait for a person are counted whenever figures are asked for.
create index integrations_status on integrations (status);
