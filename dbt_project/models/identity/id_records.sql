-- grain: one row per source record that names a person (record_key)
with attributes as (
    select * from {{ ref('id_record_attributes') }}
),

clusters as (
    select * from {{ ref('id_clusters') }}
),

assignments as (
    select * from {{ ref('id_assignments') }}
),

records as (
    select
        attributes.record_key,
        attributes.system,
        attributes.entity,
        attributes.record_id,
        assignments.person_id,

        clusters.assurance,
        clusters.strongest_rule
    from attributes
    inner join clusters on attributes.record_key = clusters.record_key
    inner join assignments on clusters.component = assignments.component
)

select * from records
