-- grain: one row per record of a component that contradicts itself (record_key)
-- Components of a lower rung lie inside those of a higher one, so the highest rung on which a
-- record's component holds no contradiction is the answer for all records of that component alike.
with violations as (
    select * from {{ ref('id_violations') }}
),

components as (
    select * from {{ ref('id_components') }}
),

traits as (
    select * from {{ ref('id_traits') }}
),

ladder as (
    select * from {{ ref('id_ladder') }}
),

authoritative as (
    select max(tier) as tier
    from {{ ref('id_rules') }}
    where kind = 'authoritative'
),

overrides as (
    select * from {{ source('store', 'identity_override') }}
),

separated as (
    {{ identity_separated('ladder', 'overrides', ['kept_tier', 'component']) }}
),

judged as (
    {{ identity_violations('ladder', 'traits', 'separated', ['kept_tier', 'component']) }}
),

sound_rungs as (
    select
        ladder.record_key,
        max(ladder.kept_tier) as kept_tier
    from ladder
    inner join judged
        on
            ladder.kept_tier = judged.kept_tier
            and ladder.component = judged.component
    cross join authoritative
    -- a reference between systems stands even when the records it joins disagree, until a person
    -- says that they are two
    where
        judged.reason is null
        or (ladder.kept_tier = authoritative.tier and judged.reason <> 'never_link')
    group by ladder.record_key
),

guarded as (
    select
        components.record_key,
        components.component as raw_component,
        violations.reason,
        coalesce(sound_rungs.kept_tier, 0) as kept_tier,
        coalesce(ladder.component, components.record_key) as component
    from components
    inner join violations on components.component = violations.component
    left join sound_rungs on components.record_key = sound_rungs.record_key
    left join ladder
        on
            components.record_key = ladder.record_key
            and sound_rungs.kept_tier = ladder.kept_tier
)

select * from guarded
