-- grain: one row per suppressing event of an address and person who has that address
with

events as (
    select * from {{ ref('con_events') }}
    where is_about_address
),

ledger as (
    select * from {{ source('store', 'consent_event') }}
),

own_grants as (
    select * from {{ ref('con_own_grants') }}
),

reopened as (
    select
        person_id,
        channel,
        max(granted_at) as granted_at
    from own_grants
    group by person_id, channel
),

judged as (
    select
        events.event_id,
        events.person_id,
        events.channel,
        ledger.identifier as address,
        -- at the same instant the restriction holds
        coalesce(events.occurred_at < reopened.granted_at, false) as is_reopened,
        events.occurred_at
    from events
    inner join ledger
        on events.event_id = ledger.event_id
    left join reopened
        on
            events.person_id = reopened.person_id
            and events.channel = reopened.channel
)

select * from judged
