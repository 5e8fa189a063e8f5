-- grain: one row per rung and record of a self-contradicting component (kept_tier, record_key)
-- The same component solved once for each tier it could keep: links of that tier or a stronger one,
-- nothing else.
{{ config(materialized='components', scope='kept_tier') }}
with violations as (
    select * from {{ ref('id_violations') }}
),

components as (
    select * from {{ ref('id_components') }}
),

links as (
    select * from {{ ref('id_candidate_links') }}
),

rungs as (
    select distinct tier as kept_tier
    from {{ ref('id_rules') }}
    where kind <> 'probable'
),

violating_links as (
    select
        links.record_key,
        links.anchor_key,
        links.tier
    from links
    inner join components on links.record_key = components.record_key
    inner join violations on components.component = violations.component
),

laddered as (
    select
        rungs.kept_tier,
        violating_links.record_key,
        violating_links.anchor_key as component
    from violating_links
    inner join rungs on violating_links.tier <= rungs.kept_tier
)

select * from laddered
