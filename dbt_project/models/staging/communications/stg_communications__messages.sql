-- grain: one row per message sent (message_id), its current version
with messages as (
    {{ latest_record(source('communications', 'communications_messages'), ['message_id']) }}
),

normalised as (
    select
        message_id,

        channel,
        case when channel = 'email' then {{ normalise_email('address') }} else trim(address) end
            as address,
        template,
        purpose,

        sent_at,
        _loaded_at as loaded_at
    from messages
)

select * from normalised
