"""What of landing the ledger has not seen, as DuckDB queries against the warehouse.

Each compares landing with store.consent_event, the copy that the last run left, so that a run costs
what is new. Without a copy everything is proposed again, and the ledger refuses what it knows.
"""

LEDGER_COPY_SQL = """
create schema if not exists store;
create table if not exists store.consent_event (
    seq bigint,
    event_id varchar,
    identifier_type varchar,
    identifier varchar,
    purpose varchar,
    channel varchar,
    action varchar,
    jurisdiction varchar,
    lawful_basis varchar,
    notice_version varchar,
    source varchar,
    evidence varchar,
    occurred_at timestamptz,
    recorded_at timestamptz,
    expires_at timestamptz
)
"""

# One row per event_id that is new or differs from what was recorded; its current landing row.
CONSENT_EVENTS_SQL = """
with latest as (
    select *
    from landing.consent_consent_events
    qualify row_number() over (
        partition by event_id
        order by _file_rank desc, _line desc, _digest desc
    ) = 1
)

select
    latest.event_id,
    latest.identifier_type,
    latest.identifier,
    latest.purpose,
    latest.channel,
    latest.action,
    latest.notice_version,
    latest.source,
    latest.jurisdiction,
    latest.occurred_at,
    latest.expires_at,
    recorded.event_id is not null as is_correction
from latest
left join store.consent_event as recorded on latest.event_id = recorded.event_id
where
    recorded.event_id is null
    or latest.identifier_type is distinct from recorded.identifier_type
    or latest.purpose is distinct from recorded.purpose
    or latest.channel is distinct from recorded.channel
    or latest.action is distinct from recorded.action
    or latest.occurred_at is distinct from recorded.occurred_at
    or latest.expires_at is distinct from recorded.expires_at
    or nullif(latest.notice_version, '') is distinct from recorded.notice_version
"""

# One row per engagement that restricts, whose message is known and which is not recorded yet.
ENGAGEMENT_SQL = """
with messages as (
    select *
    from landing.communications_messages
    qualify row_number() over (
        partition by message_id
        order by _file_rank desc, _line desc, _digest desc
    ) = 1
),

engagement as (
    select
        message_id,
        kind,
        occurred_at
    from landing.communications_engagement
    where kind in ('unsubscribed', 'bounced', 'complained')
    group by message_id, kind, occurred_at
)

select
    engagement.message_id,
    engagement.kind,
    engagement.occurred_at,
    messages.channel,
    messages.address
from engagement
inner join messages on engagement.message_id = messages.message_id
left join store.consent_event as recorded
    on
        recorded.evidence = 'engagement ' || engagement.message_id || ' ' || engagement.kind
        and recorded.occurred_at = engagement.occurred_at
where recorded.event_id is null
"""
