-- grain: one row per CRM contact (contact_id), its current version
with contacts as (
    {{ latest_record(source('crm', 'crm_contacts'), ['contact_id'], 'updated_at') }}
),

phone_numbers as (
    select * from {{ source('reference', 'phone_number') }}
),

normalised as (
    select
        'crm.contacts:' || contacts.contact_id as record_key,
        contacts.contact_id,

        {{ null_if_placeholder('contacts.given_name') }} as given_name,
        {{ null_if_placeholder('contacts.family_name') }} as family_name,
        {{ normalise_name('contacts.given_name') }} as name_given_normalised,
        {{ normalise_name('contacts.family_name') }} as name_family_normalised,
        {{ plausible_date_of_birth('contacts.date_of_birth') }} as date_of_birth,

        {{ normalise_email('contacts.email') }} as email,
        phone_numbers.e164 as phone_e164,
        phone_numbers.kind as phone_kind,

        {{ null_if_placeholder('contacts.street') }} as street,
        {{ null_if_placeholder('contacts.city') }} as city,
        {{ null_if_placeholder('contacts.postcode') }} as postcode,
        {{ normalise_code('contacts.postcode') }} as postcode_normalised,
        {{ country_code('contacts.country') }} as country,
        contacts.preferred_language,
        contacts.timezone,

        contacts.created_at,
        contacts.updated_at,
        contacts._loaded_at as loaded_at
    from contacts
    left join phone_numbers
        on
            contacts.phone = phone_numbers.raw
            and contacts.country is not distinct from phone_numbers.country
)

select * from normalised
