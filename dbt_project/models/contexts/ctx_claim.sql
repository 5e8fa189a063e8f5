-- grain: one row per claim of a known person, opened by as_of
with

claims as (
    select * from {{ ref('per_claims') }}
),

heard as (
    select * from {{ ref('per_sources') }}
    where source_system = 'policy'
),

bundled as (
    select
        claims.person_id,
        claims.claim_number as subject_id,
        claims.claim_number,
        claims.assurance,

        claims.product_line,
        claims.status,

        cast(
            {{ days_between(utc_date('claims.opened_at'), utc_date(as_of())) }} as integer
        ) as days_open,

        claims.opened_at,
        heard.source_at
    from claims
    cross join heard
)

select * from bundled
