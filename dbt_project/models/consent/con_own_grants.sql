-- grain: one row per person, purpose and channel that the person themselves ever granted
-- What may lift a suppression: an import or an upsert never does.
with

events as (
    select * from {{ ref('con_events') }}
),

own_grants as (
    select
        person_id,
        purpose,
        channel,
        max(occurred_at) as granted_at
    from events
    where
        action = 'granted'
        and may_permit
        and purpose <> '*'
        and channel <> '*'
        and source not in {{ system_sources() }}
    group by person_id, purpose, channel
)

select * from own_grants
