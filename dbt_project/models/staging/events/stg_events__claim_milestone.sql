-- grain: one row per claim-milestone event (event_id)
with events as (
    {{ latest_record(source('events', 'events_claim_milestone'), ['event_id'], 'occurred_at') }}
),

renamed as (
    select
        event_id,
        claim_number,

        milestone,
        source,
        event_type,

        occurred_at,
        _loaded_at as loaded_at
    from events
)

select * from renamed
