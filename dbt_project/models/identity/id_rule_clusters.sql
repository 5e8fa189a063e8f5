-- grain: one row per source record that names a person (record_key), and where rules alone put it
with records as (
    select * from {{ ref('id_traits') }}
),

components as (
    select * from {{ ref('id_components') }}
),

guarded as (
    select * from {{ ref('id_guarded') }}
),

placed as (
    select
        records.record_key,
        coalesce(components.component, records.record_key) as raw_component,
        coalesce(guarded.component, components.component, records.record_key) as component
    from records
    left join components on records.record_key = components.record_key
    left join guarded on records.record_key = guarded.record_key
)

select * from placed
