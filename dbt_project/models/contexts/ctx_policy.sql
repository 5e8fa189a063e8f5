-- grain: one row per policy of a known person
with

policies as (
    select * from {{ ref('per_policies') }}
),

heard as (
    select * from {{ ref('per_sources') }}
    where source_system = 'policy'
),

bundled as (
    select
        policies.person_id,
        policies.policy_number as subject_id,
        policies.policy_number,
        policies.assurance,

        policies.product_line,
        policies.status,
        policies.auto_renew,

        cast(
            {{ days_between(utc_date(as_of()), 'policies.renews_on') }} as integer
        ) as days_to_renewal,

        policies.renews_on,
        heard.source_at
    from policies
    cross join heard
)

select * from bundled
