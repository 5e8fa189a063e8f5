-- grain: one row per record that any link joins to another (record_key), before the guard
{{ config(materialized='components') }}
with links as (
    select * from {{ ref('id_candidate_links') }}
),

neighbours as (
    select
        record_key,
        anchor_key as component
    from links
)

select * from neighbours
