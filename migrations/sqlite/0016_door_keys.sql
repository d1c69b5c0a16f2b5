-- The keys of the deliveries up to here. One process uses the file, so the old index goes.
insert into door_keys (key, delivery_id, received_at)
select door_key, id, received_at from inbox where door_key is not null
on conflict do nothing;
drop index inbox_door;
