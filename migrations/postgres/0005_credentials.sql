-- With what integrations are polled. Whatever is sealed is encrypted with the master
-- key. Of all replicas one renews an access token at a time: the one with the claim,
-- until it lapses. What a renewal brings is stored only over the access token that it
-- replaces, so one that comes late overwrites nothing newer.
create table credentials (
    integration_id     uuid primary key references integrations (id),
    kind               text not null,
    seal_id            uuid not null,     -- to which sealings are bound; new with each credential
    revision           uuid not null,     -- new whenever what is accessed, or with what, is replaced
    sealed             bytea not null,
    access_sealed      bytea,             -- the access token, if one was got
    access_number      bigint not null,   -- access tokens so far: the fence of renewals
    access_expires_at  bigint,            -- none: nobody knows
    access_renew_at    bigint,            -- ahead of that
    claim              uuid,              -- who renews
    claim_until        bigint,
    retry_at           bigint,            -- until then, who renews it wants to be left alone
    created_at         bigint not null,
    updated_at         bigint not null
);
