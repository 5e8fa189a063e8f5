-- grain: one row per service ticket (ticket_id), its current version
with tickets as (
    {{ latest_record(source('service', 'service_tickets'), ['ticket_id']) }}
),

phone_numbers as (
    select * from {{ source('reference', 'phone_number') }}
),

normalised as (
    select
        'service.tickets:' || tickets.ticket_id as record_key,
        tickets.ticket_id,

        {{ null_if_placeholder('tickets.requester_name') }} as requester_name,
        {{ normalise_name('tickets.requester_name') }} as name_normalised,
        {{ normalise_email('tickets.requester_email') }} as email,
        phone_numbers.e164 as phone_e164,
        phone_numbers.kind as phone_kind,
        {{ country_code('tickets.country') }} as country,

        tickets.topic,
        tickets.severity,

        tickets.opened_at,
        tickets.resolved_at,
        tickets._loaded_at as loaded_at
    from tickets
    left join phone_numbers
        on
            tickets.requester_phone = phone_numbers.raw
            and tickets.country is not distinct from phone_numbers.country
),

split as (
    select
        * exclude (name_normalised),
        split_part(name_normalised, ' ', 1) as name_given_normalised,
        nullif(trim(substr(name_normalised, length(split_part(name_normalised, ' ', 1)) + 1)), '')
            as name_family_normalised
    from normalised
)

select * from split
