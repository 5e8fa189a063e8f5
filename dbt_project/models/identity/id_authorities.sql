-- grain: one row per record that an authoritative link joins to another (record_key)
{{ config(materialized='components') }}
with links as (
    select * from {{ ref('id_authoritative_links') }}
),

neighbours as (
    select
        record_key,
        anchor_key as component
    from links
)

select * from neighbours
