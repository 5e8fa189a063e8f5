-- grain: one row per record and rule whose key it carries (record_key, rule)
with records as (
    select * from {{ ref('id_record_attributes') }}
),

keys as (
    {{ identity_keys(identity_rules(['authoritative', 'identifier', 'attributes']), 'records') }}
)

select * from keys
