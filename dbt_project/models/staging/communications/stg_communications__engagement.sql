-- grain: one row per message, kind of engagement and instant (message_id, kind, occurred_at)
with engagement as (
    {{ latest_record(
        source('communications', 'communications_engagement'),
        ['message_id', 'kind', 'occurred_at'],
    ) }}
),

renamed as (
    select
        message_id,
        kind,

        occurred_at,
        _loaded_at as loaded_at
    from engagement
)

select * from renamed
