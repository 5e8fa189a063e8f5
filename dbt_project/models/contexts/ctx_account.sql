-- grain: one row per product account of a known person, created by as_of
with

accounts as (
    select * from {{ ref('per_accounts') }}
),

heard as (
    select * from {{ ref('per_sources') }}
    where source_system = 'product'
),

bundled as (
    select
        accounts.person_id,
        accounts.account_id as subject_id,
        accounts.account_id,
        accounts.assurance,

        accounts.next_milestone,

        cast(accounts.milestones_reached as integer) as milestones_reached,
        cast(
            {{ days_between(utc_date('accounts.last_milestone_at'), utc_date(as_of())) }}
            as integer
        ) as days_since_last_milestone,
        cast(
            {{ days_between(utc_date('accounts.created_at'), utc_date(as_of())) }} as integer
        ) as account_age_days,

        heard.source_at
    from accounts
    cross join heard
)

select * from bundled
