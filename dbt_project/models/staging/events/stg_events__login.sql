-- grain: one row per login event (event_id)
with events as (
    {{ latest_record(source('events', 'events_login'), ['event_id'], 'occurred_at') }}
),

renamed as (
    select
        event_id,
        account_id,
        device_id,

        feature,
        source,
        event_type,

        occurred_at,
        _loaded_at as loaded_at
    from events
)

select * from renamed
