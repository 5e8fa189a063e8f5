-- grain: one row per ticket-resolved event (event_id)
with events as (
    {{ latest_record(source('events', 'events_ticket_resolved'), ['event_id'], 'occurred_at') }}
),

renamed as (
    select
        event_id,
        ticket_id,

        source,
        event_type,

        occurred_at,
        _loaded_at as loaded_at
    from events
)

select * from renamed
