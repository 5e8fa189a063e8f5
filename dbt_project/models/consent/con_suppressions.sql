-- grain: one row per person, purpose and channel of the regimes that is suppressed
-- evidence_owed is null where what rests on a contract or a legal obligation may still be sent.
with

events as (
    select * from {{ ref('con_events') }}
    where action = 'suppressed' and not is_about_address
),

address_events as (
    select * from {{ ref('con_address_suppressions') }}
),

own_grants as (
    select * from {{ ref('con_own_grants') }}
),

identifiers as (
    select * from {{ ref('id_person_identifiers') }}
    where status <> 'blocked'
),

scopes as (
    select
        purpose,
        channel
    from {{ source('reference', 'regime') }}
    group by purpose, channel
),

-- persons some of whose addresses are closed, with what is left to them
closed as (
    select
        person_id,
        channel,
        address
    from address_events
    where not is_reopened
    group by person_id, channel, address
),

affected as (
    select
        person_id,
        channel
    from closed
    group by person_id, channel
),

reachable as (
    select
        affected.person_id,
        affected.channel
    from affected
    inner join identifiers
        on
            affected.person_id = identifiers.person_id
            and identifiers.identifier_type = {{ address_type('affected.channel') }}
    left join closed
        on
            affected.person_id = closed.person_id
            and affected.channel = closed.channel
            and identifiers.identifier = closed.address
    where closed.address is null
    group by affected.person_id, affected.channel
),

candidates as (
    select
        events.person_id,
        scopes.purpose,
        scopes.channel,
        events.event_id,
        false as spares_owed,
        events.occurred_at
    from events
    inner join scopes
        on
            (events.purpose = '*' or events.purpose = scopes.purpose)
            and (events.channel = '*' or events.channel = scopes.channel)

    union all

    select
        address_events.person_id,
        scopes.purpose,
        scopes.channel,
        address_events.event_id,
        address_events.is_reopened as spares_owed,
        address_events.occurred_at
    from address_events
    inner join scopes
        on address_events.channel = scopes.channel
    left join reachable
        on
            address_events.person_id = reachable.person_id
            and address_events.channel = reachable.channel
    where address_events.is_reopened or reachable.person_id is null
),

-- only the person's own newer grant lifts a suppression
effective as (
    select candidates.*
    from candidates
    left join own_grants
        on
            candidates.person_id = own_grants.person_id
            and candidates.purpose = own_grants.purpose
            and candidates.channel = own_grants.channel
    where not coalesce(candidates.occurred_at < own_grants.granted_at, false)
),

newest as (
    select
        person_id,
        purpose,
        channel,
        max_by(event_id, (occurred_at, event_id)) as evidence,
        max_by(event_id, (occurred_at, event_id)) filter (where not spares_owed) as evidence_owed
    from effective
    group by person_id, purpose, channel
)

select * from newest
