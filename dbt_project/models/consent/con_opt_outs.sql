-- grain: one row per person who signals an opt-out, and purpose and channel that it may bind
-- Where the person lives decides whether it binds them: con_permits asks the regime.
with

events as (
    select * from {{ ref('con_events') }}
    where action = 'opted_out'
),

own_grants as (
    select * from {{ ref('con_own_grants') }}
),

scopes as (
    select
        purpose,
        channel
    from {{ source('reference', 'regime') }}
    where opt_out_signal
    group by purpose, channel
),

signals as (
    select
        person_id,
        max_by(event_id, (occurred_at, event_id)) as event_id,
        max(occurred_at) as occurred_at
    from events
    group by person_id
),

-- only the person's own newer grant answers a signal; at the same instant it holds
standing as (
    select
        signals.person_id,
        scopes.purpose,
        scopes.channel,
        signals.event_id as evidence
    from signals
    cross join scopes
    left join own_grants
        on
            signals.person_id = own_grants.person_id
            and scopes.purpose = own_grants.purpose
            and scopes.channel = own_grants.channel
    where not coalesce(signals.occurred_at < own_grants.granted_at, false)
)

select * from standing
