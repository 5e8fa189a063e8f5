-- grain: one row per rule cluster that a score joins to another (record_key, its least record)
{{ config(materialized='components') }}
with proposals as (
    select * from {{ source('identity', 'id_proposals') }}
    where verdict = 'join'
),

neighbours as (
    select
        other_component as record_key,
        component
    from proposals
)

select * from neighbours
