-- grain: one row per person, channel, address, source record and priority
-- Where an address comes from; which one is used is judged in per_addresses.
with

records as (
    select * from {{ ref('per_records') }}
),

accounts as (
    select * from {{ ref('per_accounts') }}
),

policies as (
    select * from {{ ref('per_policies') }}
),

invoices as (
    select * from {{ ref('stg_billing__invoices') }}
    where billing_email is not null and issued_on <= {{ utc_date(as_of()) }}
),

channels as (
    select
        known.channel,
        known.identifier_type
    from (
        values ('email', 'email'), ('sms', 'phone'), ('phone', 'phone'), ('push', 'device_id')
    ) as known (channel, identifier_type)
),

identifiers as (
    select
        person_id,
        record_key,
        priority,
        'email' as identifier_type,
        email as address,
        null as phone_kind,
        false as is_verified,
        seen_at
    from records
    where email is not null and system <> 'product'

    union all

    select
        person_id,
        record_key,
        3 as priority,
        'email' as identifier_type,
        email as address,
        null as phone_kind,
        is_email_verified as is_verified,
        created_at as seen_at
    from accounts
    where email is not null

    union all

    -- the newest invoice of each mailbox stands for the others
    select
        policies.person_id,
        min(policies.record_key) as record_key,
        5 as priority,
        'email' as identifier_type,
        invoices.billing_email as address,
        null as phone_kind,
        false as is_verified,
        max(cast(invoices.issued_on as timestamptz)) as seen_at
    from invoices
    inner join policies
        on invoices.policy_number = policies.policy_number
    group by policies.person_id, invoices.billing_email

    union all

    select
        person_id,
        record_key,
        priority,
        'phone' as identifier_type,
        phone_e164 as address,
        phone_kind,
        false as is_verified,
        seen_at
    from records
    where phone_e164 is not null

    union all

    select
        person_id,
        record_key,
        3 as priority,
        'device_id' as identifier_type,
        device_id as address,
        null as phone_kind,
        false as is_verified,
        created_at as seen_at
    from accounts
    where device_id is not null
),

postal as (
    select
        person_id,
        record_key,
        priority,
        'post' as channel,
        'post' as identifier_type,
        concat_ws(', ', street, city, postcode, country) as address,
        null as phone_kind,
        false as is_verified,
        seen_at
    from records
    where
        street is not null
        and city is not null
        and postcode is not null
        and country is not null
),

candidates as (
    select
        identifiers.person_id,
        identifiers.record_key,
        identifiers.priority,
        channels.channel,
        identifiers.identifier_type,
        identifiers.address,
        identifiers.phone_kind,
        identifiers.is_verified,
        identifiers.seen_at
    from identifiers
    inner join channels
        on identifiers.identifier_type = channels.identifier_type

    union all

    select
        person_id,
        record_key,
        priority,
        channel,
        identifier_type,
        address,
        phone_kind,
        is_verified,
        seen_at
    from postal
)

select * from candidates
