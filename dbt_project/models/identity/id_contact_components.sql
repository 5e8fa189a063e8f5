-- grain: one row per record that a link of assurance A or B joins to another (record_key)
{{ config(materialized='components') }}
with links as (
    select * from {{ ref('id_candidate_links') }}
    where assurance in ('A', 'B')
),

neighbours as (
    select
        record_key,
        anchor_key as component
    from links
)

select * from neighbours
