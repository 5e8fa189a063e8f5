-- grain: one row per composite key that two or more records carry, or that was decided about
-- (rule, key_hash)
{%- set declared = identity_rules(['composite']) %}
with rules as (
    select * from {{ ref('id_rules') }}
    where kind = 'composite'
),

keys as not materialized (
    select * from {{ ref('id_composite_keys') }}
),

traits as not materialized (
    select * from {{ ref('id_traits') }}
),

overrides as (
    select * from {{ source('store', 'identity_override') }}
),

overridden as (
    {{ identity_overridden_keys('keys', 'overrides') }}
),

judged as (
    {{ identity_key_status(declared, 'keys', 'traits', 'rules', 'overridden') }}
)

select * from judged
