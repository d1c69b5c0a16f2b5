-- With what integrations are polled. Whatever is sealed is encrypted with the master
-- key. Of all replicas one renews an access token at a time: the one with the claim,
-- until it lapses. What a renewal brings is stored only over the access token that it
-- replaces, so one that comes late overwrites nothing newer.
create table credentials (
    integration_id     blob primary key references integrations (id),
    kind               text not null,
    seal_id            blob not null,     -- to which sealings are bound; new with each credential
    revision           blob not null,     -- new whenever what is accessed, or with what, is replaced
    sealed             blob not null,
    access_sealed      blob,              -- the access token, if one was got
    access_number      integer not null,  -- access tokens so far: the fence of renewals
    access_expires_at  integer,           -- none: nobody knows
    access_renew_at    integer,           -- ahead of that
    claim              blob,              -- who renews
    claim_until        integer,
    retry_at           integer,           -- until then, who renews it wants to be left alone
    created_at         integer not null,
    updated_at         integer not null
);
