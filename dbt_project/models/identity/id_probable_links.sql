-- grain: one row per pair of rule clusters that a score brings near one another
-- (component, other_component), with the pair of records that says so best and what became of it
with proposals as (
    select * from {{ source('identity', 'id_proposals') }}
),

joined as (
    select * from {{ ref('id_joined') }}
),

violations as (
    select * from {{ ref('id_joined_violations') }}
),

decided as (
    select
        proposals.component,
        proposals.other_component,
        proposals.record_key,
        proposals.other_record_key,

        proposals.evidence,
        proposals.doubt,
        case
            when proposals.verdict <> 'join' then proposals.verdict
            else coalesce(violations.reason, 'joined')
        end as outcome,

        proposals.match_weight,
        proposals.probability
    from proposals
    left join joined on proposals.component = joined.record_key
    left join violations on joined.component = violations.component
)

select * from decided
