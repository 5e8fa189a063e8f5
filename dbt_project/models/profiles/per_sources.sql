-- grain: one row per source system that has brought anything
-- A context is as fresh as the system it rests on: a policy that did not change for a year is
-- not stale while the policy system keeps bringing news.
with

arrivals as (
    select
        'crm' as source_system,
        max(loaded_at) as loaded_at
    from {{ ref('stg_crm__contacts') }}

    union all

    select
        'policy' as source_system,
        max(loaded_at) as loaded_at
    from {{ ref('stg_policy__policyholders') }}

    union all

    select
        'policy' as source_system,
        max(loaded_at) as loaded_at
    from {{ ref('stg_policy__policies') }}

    union all

    select
        'policy' as source_system,
        max(loaded_at) as loaded_at
    from {{ ref('stg_policy__claims') }}

    union all

    select
        'service' as source_system,
        max(loaded_at) as loaded_at
    from {{ ref('stg_service__tickets') }}

    union all

    select
        'service' as source_system,
        max(loaded_at) as loaded_at
    from {{ ref('stg_service__satisfaction') }}

    union all

    select
        'product' as source_system,
        max(loaded_at) as loaded_at
    from {{ ref('stg_product__accounts') }}

    union all

    select
        'product' as source_system,
        max(loaded_at) as loaded_at
    from {{ ref('stg_product__milestones') }}

    union all

    select
        'billing' as source_system,
        max(loaded_at) as loaded_at
    from {{ ref('stg_billing__invoices') }}
),

newest as (
    select
        source_system,
        max(loaded_at) as source_at
    from arrivals
    where loaded_at is not null
    group by source_system
)

select * from newest
