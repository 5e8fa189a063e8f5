-- grain: one row per channel and address that nobody may be contacted at
-- An address comes back only when everybody who has it granted anew on the channel.
with

ledger as (
    select * from {{ source('store', 'consent_event') }}
),

holders as (
    select * from {{ ref('con_address_suppressions') }}
),

suppressions as (
    select
        event_id,
        channel,
        identifier as address,
        occurred_at
    from ledger
    where
        action = 'suppressed'
        and purpose = '*'
        and identifier_type = {{ address_type('channel') }}
        and occurred_at <= {{ as_of() }}
        and recorded_at <= {{ as_of() }}
),

reopened as (
    select event_id
    from holders
    group by event_id
    having bool_and(is_reopened)
),

standing as (
    select
        suppressions.channel,
        suppressions.address,
        suppressions.event_id,
        row_number() over (
            partition by suppressions.channel, suppressions.address
            order by suppressions.occurred_at desc, suppressions.event_id desc
        ) as recency
    from suppressions
    left join reopened
        on suppressions.event_id = reopened.event_id
    where reopened.event_id is null
),

newest as (
    select
        channel,
        address,
        event_id as evidence
    from standing
    where recency = 1
)

select * from newest
