-- grain: one row per person, purpose and channel of the regimes that any statement covers
-- What the person last said: latest first, at one instant the most restrictive.
with

events as (
    select * from {{ ref('con_events') }}
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
        statements.person_id,
        purpose_scopes.purpose,
        channel_scopes.channel,
        statements.event_id,
        statements.action,
        statements.notice_version,
        statements.source,
        statements.occurred_at,
        statements.recorded_at,
        statements.expires_at,
        row_number() over (
            partition by statements.person_id, purpose_scopes.purpose, channel_scopes.channel
            order by
                statements.occurred_at desc,
                statements.restrictiveness desc,
                statements.expires_at asc nulls last,
                coalesce(statements.notice_version, '') asc,
                statements.event_id asc
        ) as recency
    from statements
    inner join purpose_scopes
        on statements.purpose = purpose_scopes.scope
    inner join channel_scopes
        on statements.channel = channel_scopes.scope
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
        covering.person_id,
        covering.purpose,
        covering.channel,
        covering.action,
        covering.event_id as evidence,
        covering.notice_version,
        covering.source,
        -- a confirmation proves the grant before it and grants nothing by itself
        coalesce(
            covering.action = 'granted' and confirmations.confirmed_at >= covering.occurred_at,
            false
        ) as is_confirmed,
        covering.occurred_at,
        covering.recorded_at,
        covering.expires_at
    from covering
    left join confirmations
        on
            covering.person_id = confirmations.person_id
            and covering.purpose = confirmations.purpose
            and covering.channel = confirmations.channel
    where covering.recency = 1
)

select * from latest
