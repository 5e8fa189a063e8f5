-- grain: one row per person, purpose and channel of the regimes that any statement covers
-- What the person last said: latest first, at one instant the most restrictive. A refusal under any
-- identifier stands until a newer grant by the person themselves, not one that a system brought in.
with

events as (
    select * from {{ ref('con_events') }}
),

own_grants as (
    select * from {{ ref('con_own_grants') }}
),

regimes as (
    select * from {{ source('reference', 'regime') }}
),

purposes as (
    select purpose
    from regimes
    group by purpose
),

channels as (
    select channel
    from regimes
    group by channel
),

purpose_scopes as (
    select
        purpose as scope,
        purpose
    from purposes

    union all

    select
        '*' as scope,
        purpose
    from purposes
),

channel_scopes as (
    select
        channel as scope,
        channel
    from channels

    union all

    select
        '*' as scope,
        channel
    from channels
),

-- a grant counts only under a link that may carry permissions, and never for `*`
statements as (
    select
        *,
        {{ restrictiveness('action') }} as restrictiveness
    from events
    where
        action in ('denied', 'withdrawn', 'objected')
        or (action = 'granted' and may_permit and purpose <> '*' and channel <> '*')
),

covering as (
    select
        statements.* exclude (purpose, channel),
        purpose_scopes.purpose,
        channel_scopes.channel
    from statements
    inner join purpose_scopes
        on statements.purpose = purpose_scopes.scope
    inner join channel_scopes
        on statements.channel = channel_scopes.scope
),

ranked as (
    select
        covering.*,
        row_number() over (
            partition by covering.person_id, covering.purpose, covering.channel
            order by
                covering.action <> 'granted'
                and not coalesce(covering.occurred_at < own_grants.granted_at, false) desc,
                covering.occurred_at desc,
                covering.restrictiveness desc,
                covering.expires_at asc nulls last,
                coalesce(covering.notice_version, '') asc,
                covering.event_id asc
        ) as recency
    from covering
    left join own_grants
        on
            covering.person_id = own_grants.person_id
            and covering.purpose = own_grants.purpose
            and covering.channel = own_grants.channel
),

confirmations as (
    select
        person_id,
        purpose,
        channel,
        max(occurred_at) as confirmed_at
    from events
    where action = 'confirmed' and may_permit
    group by person_id, purpose, channel
),

latest as (
    select
        ranked.person_id,
        ranked.purpose,
        ranked.channel,
        ranked.action,
        ranked.event_id as evidence,
        ranked.notice_version,
        ranked.source,
        -- a confirmation proves the grant before it and grants nothing by itself
        coalesce(
            ranked.action = 'granted' and confirmations.confirmed_at >= ranked.occurred_at,
            false
        ) as is_confirmed,
        ranked.occurred_at,
        ranked.recorded_at,
        ranked.expires_at
    from ranked
    left join confirmations
        on
            ranked.person_id = confirmations.person_id
            and ranked.purpose = confirmations.purpose
            and ranked.channel = confirmations.channel
    where ranked.recency = 1
)

select * from latest
