-- grain: one row per source record that names a person, with where it says they can be reached
-- One shape for four systems, so that the order in which they are believed is stated once.
with

members as (
    select * from {{ ref('id_records') }}
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

described as (
    select
        record_key,
        1 as priority,
        timezone,
        email,
        phone_e164,
        phone_kind,
        street,
        city,
        postcode,
        country,
        updated_at as seen_at
    from contacts

    union all

    select
        record_key,
        2 as priority,
        null as timezone,
        email,
        phone_e164,
        phone_kind,
        street,
        city,
        postcode,
        country,
        updated_at as seen_at
    from policyholders

    union all

    select
        record_key,
        3 as priority,
        null as timezone,
        email,
        null as phone_e164,
        null as phone_kind,
        null as street,
        null as city,
        null as postcode,
        country,
        created_at as seen_at
    from accounts

    union all

    select
        record_key,
        4 as priority,
        null as timezone,
        email,
        phone_e164,
        phone_kind,
        null as street,
        null as city,
        null as postcode,
        country,
        opened_at as seen_at
    from tickets
),

attributed as (
    select
        members.person_id,
        described.record_key,
        members.system,
        members.assurance,
        described.priority,
        described.timezone,
        described.email,
        described.phone_e164,
        described.phone_kind,
        described.street,
        described.city,
        described.postcode,
        described.country,
        described.seen_at
    from described
    inner join members
        on described.record_key = members.record_key
)

select * from attributed
