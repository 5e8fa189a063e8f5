-- grain: one row per key that two or more records carry, or that was decided about (rule, key_hash)
-- Keys and traits are read for each rule; written out first, as DuckDB does, they took 1 GB more.
{%- set declared = identity_rules(['identifier', 'attributes']) %}
with rules as (
    select * from {{ ref('id_rules') }}
    where kind in ('identifier', 'attributes')
),

keys as not materialized (
    select * from {{ ref('id_keys') }}
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
