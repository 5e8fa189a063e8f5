-- grain: one row per source record that names a person (record_key)
with contacts as (
    select * from {{ ref('stg_crm__contacts') }}
),

policyholders as (
    select * from {{ ref('stg_policy__policyholders') }}
),

accounts as (
    select * from {{ ref('stg_product__accounts') }}
),

tickets as (
    select * from {{ ref('stg_service__tickets') }}
),

stacked as (
    select
        record_key,
        'crm' as system,
        'contacts' as entity,
        contact_id as record_id,
        contact_id,
        null::varchar as customer_number,
        null::varchar as device_id,
        given_name,
        family_name,
        name_given_normalised,
        name_family_normalised,
        date_of_birth,
        email,
        phone_e164,
        postcode_normalised,
        {{ normalise_name('street') }} as street_normalised,
        country,
        preferred_language,
        updated_at as seen_at
    from contacts

    union all

    select
        record_key,
        'policy' as system,
        'policyholders' as entity,
        customer_number as record_id,
        crm_contact_id as contact_id,
        customer_number,
        null::varchar as device_id,
        given_name,
        family_name,
        name_given_normalised,
        name_family_normalised,
        date_of_birth,
        email,
        phone_e164,
        postcode_normalised,
        {{ normalise_name('street') }} as street_normalised,
        country,
        null::varchar as preferred_language,
        updated_at as seen_at
    from policyholders

    union all

    select
        record_key,
        'product' as system,
        'accounts' as entity,
        account_id as record_id,
        null::varchar as contact_id,
        customer_number,
        device_id,
        null::varchar as given_name,
        null::varchar as family_name,
        null::varchar as name_given_normalised,
        null::varchar as name_family_normalised,
        null::date as date_of_birth,
        email,
        null::varchar as phone_e164,
        null::varchar as postcode_normalised,
        null::varchar as street_normalised,
        country,
        null::varchar as preferred_language,
        created_at as seen_at
    from accounts

    union all

    select
        record_key,
        'service' as system,
        'tickets' as entity,
        ticket_id as record_id,
        null::varchar as contact_id,
        null::varchar as customer_number,
        null::varchar as device_id,
        null::varchar as given_name,
        null::varchar as family_name,
        name_given_normalised,
        name_family_normalised,
        null::date as date_of_birth,
        email,
        phone_e164,
        null::varchar as postcode_normalised,
        null::varchar as street_normalised,
        country,
        null::varchar as preferred_language,
        opened_at as seen_at
    from tickets
),

described as (
    select
        *,
        {{ sorted_words("name_given_normalised || ' ' || name_family_normalised") }} as name_words,
        {{ sorted_initials("name_given_normalised || ' ' || name_family_normalised") }} as initials,
        {{ swappable_date('date_of_birth') }} as swappable_birth_date,
        year(date_of_birth) as birth_year
    from stacked
)

select * from described
