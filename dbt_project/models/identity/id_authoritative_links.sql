-- grain: one row per record and authoritative key it shares with another, but for the least record
-- of each key, on which the others hang (record_key, rule)
-- An authoritative key is a reference that one system makes to another's record; what its records
-- say does not count.
with keys as not materialized (
    select * from {{ ref('id_keys') }}
),

rules as (
    select * from {{ ref('id_rules') }}
    where kind = 'authoritative'
),

overrides as (
    select * from {{ source('store', 'identity_override') }}
),

overridden as (
    {{ identity_overridden_keys('keys', 'overrides') }}
),

detached as (
    select record_key
    from overrides
    where kind = 'detach'
),

authoritative_keys as (
    select
        keys.record_key,
        keys.rule,
        keys.key_hash,
        rules.max_records
    from keys
    inner join rules on keys.rule = rules.rule
    left join overridden
        on
            keys.rule = overridden.rule
            and keys.key_hash = overridden.key_hash
    left join detached on keys.record_key = detached.record_key
    where
        overridden.key_hash is null
        and detached.record_key is null
),

anchors as (
    select
        key_hash,
        min(record_key) as anchor_key
    from authoritative_keys
    group by key_hash
    having count(*) between 2 and any_value(max_records)
),

links as (
    select
        authoritative_keys.record_key,
        authoritative_keys.rule,
        anchors.anchor_key
    from authoritative_keys
    inner join anchors on authoritative_keys.key_hash = anchors.key_hash
    where authoritative_keys.record_key <> anchors.anchor_key
)

select * from links
