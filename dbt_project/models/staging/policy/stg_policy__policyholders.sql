-- grain: one row per policyholder (customer_number), its current version
with policyholders as (
    {{ latest_record(source('policy', 'policy_policyholders'), ['customer_number'], 'updated_at') }}
),

phone_numbers as (
    select * from {{ source('reference', 'phone_number') }}
),

normalised as (
    select
        'policy.policyholders:' || policyholders.customer_number as record_key,
        policyholders.customer_number,
        {{ null_if_placeholder('policyholders.crm_contact_id') }} as crm_contact_id,

        {{ null_if_placeholder('policyholders.given_name') }} as given_name,
        {{ null_if_placeholder('policyholders.family_name') }} as family_name,
        {{ normalise_name('policyholders.given_name') }} as name_given_normalised,
        {{ normalise_name('policyholders.family_name') }} as name_family_normalised,
        {{ plausible_date_of_birth('policyholders.date_of_birth') }} as date_of_birth,

        {{ normalise_email('policyholders.email') }} as email,
        phone_numbers.e164 as phone_e164,
        phone_numbers.kind as phone_kind,

        {{ null_if_placeholder('policyholders.street') }} as street,
        {{ null_if_placeholder('policyholders.city') }} as city,
        {{ null_if_placeholder('policyholders.postcode') }} as postcode,
        {{ normalise_code('policyholders.postcode') }} as postcode_normalised,
        {{ country_code('policyholders.country') }} as country,

        policyholders.updated_at,
        policyholders._loaded_at as loaded_at
    from policyholders
    left join phone_numbers
        on
            policyholders.phone = phone_numbers.raw
            and policyholders.country is not distinct from phone_numbers.country
)

select * from normalised
