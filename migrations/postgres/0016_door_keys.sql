-- The keys of the deliveries up to here.
insert into door_keys (key, delivery_id, received_at)
select door_key, id, received_at from inbox where door_key is not null
on conflict do nothing;
