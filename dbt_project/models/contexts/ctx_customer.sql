-- grain: one row per person who holds or held a policy
with

policies as (
    select * from {{ ref('per_policies') }}
),

claims as (
    select * from {{ ref('per_claims') }}
),

heard as (
    select * from {{ ref('per_sources') }}
    where source_system = 'policy'
),

covers as (
    select
        person_id,
        max(assurance) as assurance,
        bool_or(status = 'active' and product_line = 'motor') as has_active_motor,
        bool_or(status = 'active' and product_line = 'home') as has_active_home
    from policies
    group by person_id
),

losses as (
    select
        person_id,
        count(*) as open_claims
    from claims
    where is_open
    group by person_id
),

bundled as (
    select
        covers.person_id,
        covers.person_id as subject_id,
        covers.assurance,

        covers.has_active_motor,
        covers.has_active_home,

        cast(coalesce(losses.open_claims, 0) as integer) as open_claims,

        heard.source_at
    from covers
    cross join heard
    left join losses
        on covers.person_id = losses.person_id
)

select * from bundled
