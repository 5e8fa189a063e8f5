-- grain: one row per record and composite rule whose key it carries (record_key, rule)
-- Composites exist for values that may not join alone because they are shared or in conflict. A
-- blocked value helps in no form: hundreds of customers behind one call centre include two of the
-- same name.
{%- set composites = identity_rules(['composite']) %}
with records as not materialized (
    select * from {{ ref('id_record_attributes') }}
),

keys as (
    select * from {{ ref('id_keys') }}
),

weak_keys as (
    select * from {{ ref('id_key_status') }}
    where status in ('shared', 'conflict')
),

weak_carriers as (
    select
        keys.record_key,
        keys.rule
    from keys
    inner join weak_keys
        on
            keys.rule = weak_keys.rule
            and keys.key_hash = weak_keys.key_hash
),
{% for rule in composites %}
{{ rule.rule }}_carriers as (
    select records.*
    from records
    inner join weak_carriers
        on
            records.record_key = weak_carriers.record_key
            and weak_carriers.rule = '{{ rule.of }}'
),

{% endfor %}
composite_keys as (
    {%- for rule in composites %}
    {{ identity_keys([rule], rule.rule ~ '_carriers') }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select * from composite_keys
