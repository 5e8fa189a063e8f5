-- grain: one row per person
with

persons as (
    select * from {{ ref('id_persons') }}
),

records as (
    select * from {{ ref('id_records') }}
),

events as (
    select * from {{ ref('con_events') }}
),

contacts as (
    select * from {{ ref('stg_crm__contacts') }}
),

policyholders as (
    select * from {{ ref('stg_policy__policyholders') }}
),

accounts as (
    select * from {{ ref('stg_product__accounts') }}
    where created_at <= {{ as_of() }}
),

tickets as (
    select * from {{ ref('stg_service__tickets') }}
    where opened_at <= {{ as_of() }}
),

policies as (
    select * from {{ ref('stg_policy__policies') }}
),

-- without a stated age nobody below eighteen is contacted
majority as (
    select coalesce(max(adult_age), 18) as adult_age
    from {{ source('reference', 'purpose') }}
),

-- the order of systems breaks the tie of two records updated at one instant, as in per_persons
described as (
    select
        record_key,
        1 as priority,
        country,
        date_of_birth,
        updated_at as seen_at
    from contacts

    union all

    select
        record_key,
        2 as priority,
        country,
        date_of_birth,
        updated_at as seen_at
    from policyholders

    union all

    select
        record_key,
        3 as priority,
        country,
        null as date_of_birth,
        created_at as seen_at
    from accounts

    union all

    select
        record_key,
        4 as priority,
        country,
        null as date_of_birth,
        opened_at as seen_at
    from tickets
),

attributed as (
    select
        records.person_id,
        described.country,
        described.date_of_birth,
        row_number() over (
            partition by records.person_id, described.country is null
            order by
                described.seen_at desc nulls last,
                described.priority asc,
                described.record_key asc
        ) as recency
    from described
    inner join records
        on described.record_key = records.record_key
),

-- the youngest of the dates of birth counts: when in doubt a person is a minor
stated as (
    select
        person_id,
        max(case when recency = 1 and country is not null then country end) as jurisdiction,
        max(date_of_birth) as date_of_birth
    from attributed
    group by person_id
),

relationships as (
    select
        records.person_id,
        bool_or(policies.status = 'active') as has_active_policy
    from policies
    inner join records
        on
            records.record_key = 'policy.policyholders:' || policies.customer_number
    group by records.person_id
),

restrictions as (
    select
        person_id,
        max_by(event_id, (occurred_at, event_id)) filter (
            where action = 'restricted'
        ) as restricted_by,
        max(occurred_at) filter (where action = 'restricted') as restricted_at,
        max(occurred_at) filter (
            where action = 'lifted' and may_permit and source not in {{ system_sources() }}
        ) as lifted_at,
        max_by(event_id, (occurred_at, event_id)) filter (where action = 'erased') as erased_by,
        bool_or(
            action = 'suppressed' and purpose = '*' and channel = '*' and not is_about_address
        ) as is_suppressed
    from events
    where action in ('restricted', 'lifted', 'erased', 'suppressed')
    group by person_id
),

-- only the person's own newer word lifts a restriction; at the same instant it holds
standing_restrictions as (
    select
        person_id,
        case
            when not coalesce(restricted_at < lifted_at, false) then restricted_by
        end as restricted_by,
        erased_by,
        is_suppressed
    from restrictions
),

described_persons as (
    select
        persons.person_id,
        stated.jurisdiction,

        relationships.person_id is not null as has_relationship,
        coalesce(relationships.has_active_policy, false) as is_existing_customer,
        coalesce(
            stated.date_of_birth + to_years(majority.adult_age) > {{ utc_date(as_of()) }}, false
        ) as is_minor,

        standing_restrictions.restricted_by is not null as is_restricted,
        standing_restrictions.erased_by is not null as is_erased,
        coalesce(standing_restrictions.is_suppressed, false) as is_suppressed,
        standing_restrictions.restricted_by,
        standing_restrictions.erased_by
    from persons
    cross join majority
    left join stated
        on persons.person_id = stated.person_id
    left join relationships
        on persons.person_id = relationships.person_id
    left join standing_restrictions
        on persons.person_id = standing_restrictions.person_id
)

select * from described_persons
