-- grain: one row per record and rule whose key may join it to the key's anchor (record_key, rule)
with rules as (
    select * from {{ ref('id_rules') }}
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
),

all_links as (
    select
        record_key,
        rule,
        anchor_key
    from authoritative_links
    union all
    select * from key_links
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
