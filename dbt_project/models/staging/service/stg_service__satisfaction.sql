-- grain: one row per answered satisfaction survey (ticket_id), its current version
with answers as (
    {{ latest_record(source('service', 'service_satisfaction'), ['ticket_id'], 'responded_at') }}
),

renamed as (
    select
        ticket_id,

        comment,

        score,

        responded_at,
        _loaded_at as loaded_at
    from answers
)

select * from renamed
