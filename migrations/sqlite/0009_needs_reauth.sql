-- Integrations that wait for a person are few, and counted whenever figures are asked for.
create index integrations_needs_reauth on integrations (id) where status = 'needs_reauth';
