-- grain: one row per key that two or more records carry, or that was decided about (rule, key_hash)
with rules as (
    select * from {{ ref('id_rules') }}
    where kind in ('identifier', 'attributes')
),

keys as (
    select * from {{ ref('id_keys') }}
    where rule in (select rule from rules)
),

traits as (
    select * from {{ ref('id_traits') }}
),

overrides as (
    select * from {{ source('store', 'identity_override') }}
),

overridden as (
    {{ identity_overridden_keys('keys', 'overrides') }}
),

judged as (
    {{ identity_key_status('keys', 'traits', 'rules', 'overridden') }}
)

select * from judged
