-- grain: one row per feature-used event (event_id)
with events as (
    {{ latest_record(source('events', 'events_feature_used'), ['event_id'], 'occurred_at') }}
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
