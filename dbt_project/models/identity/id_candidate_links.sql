-- grain: one row per record, rule and anchor that may join it (record_key, rule, anchor_key)
with rules as (
    select * from {{ ref('id_rules') }}
),

overrides as (
    select * from {{ source('store', 'identity_override') }}
),

records as (
    select * from {{ ref('id_traits') }}
),

authoritative_links as (
    select * from {{ ref('id_authoritative_links') }}
),

keys as (
    select * from {{ ref('id_keys') }}
    union all
    select * from {{ ref('id_composite_keys') }}
),

usable_keys as (
    select * from {{ ref('id_key_status') }}
    where status = 'ok'
    union all
    select * from {{ ref('id_composite_key_status') }}
    where status = 'ok'
),

-- a detached record shares nothing with anybody
detached as (
    select record_key
    from overrides
    where kind = 'detach'
),

key_links as (
    select
        keys.record_key,
        keys.rule,
        usable_keys.anchor_key
    from keys
    inner join usable_keys
        on
            keys.rule = usable_keys.rule
            and keys.key_hash = usable_keys.key_hash
    left join detached on keys.record_key = detached.record_key
    where
        detached.record_key is null
        and keys.record_key <> usable_keys.anchor_key
),

-- an override about a record that is gone, or not yet there, waits
decided_links as (
    select
        overrides.other_record_key as record_key,
        overrides.kind as rule,
        overrides.record_key as anchor_key
    from overrides
    inner join records on overrides.record_key = records.record_key
    inner join records as counterparts on overrides.other_record_key = counterparts.record_key
    where overrides.kind = 'always_link'
),

all_links as (
    select
        record_key,
        rule,
        anchor_key
    from authoritative_links
    union all
    select * from key_links
    union all
    select * from decided_links
),

tiered as (
    select
        all_links.record_key,
        all_links.anchor_key,
        all_links.rule,
        rules.tier,
        rules.assurance
    from all_links
    inner join rules on all_links.rule = rules.rule
)

select * from tiered
