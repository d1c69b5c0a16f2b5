-- The oldest migration that a version has to know to run beside this schema. A migration
-- that older versions cannot live with raises it to its own number. 0010 to 0016 belong
-- together.
create table schema_floor (
    version  bigint not null
);
insert into schema_floor (version) values (16);
