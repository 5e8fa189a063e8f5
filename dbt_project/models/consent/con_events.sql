-- grain: one row per ledger event known at as_of and person it reaches
with

ledger as (
    select * from {{ source('store', 'consent_event') }}
),

identifiers as (
    select * from {{ ref('id_person_identifiers') }}
),

former_links as (
    select * from {{ ref('con_former_links') }}
),

-- permissions travel over verified, unshared links; restrictions over every link
links as (
    select
        person_id,
        identifier_type,
        identifier,
        bool_or(
            not is_restriction_only and status = 'ok' and assurance in ('A', 'B')
        ) as may_permit,
        cast(null as timestamptz) as parted_at
    from identifiers
    group by person_id, identifier_type, identifier

    union all

    -- of somebody they were one person with: what was said until they were parted still restricts
    select
        person_id,
        identifier_type,
        identifier,
        false as may_permit,
        parted_at
    from former_links
),

known as (
    select *
    from ledger
    where occurred_at <= {{ as_of() }} and recorded_at <= {{ as_of() }}
),

reached as (
    select
        known.event_id,
        known.seq,
        links.person_id,

        known.purpose,
        known.channel,
        known.action,
        known.notice_version,
        known.source,

        links.may_permit,
        coalesce(
            known.action = 'suppressed'
            and known.purpose = '*'
            and known.identifier_type = {{ address_type('known.channel') }},
            false
        ) as is_about_address,

        known.occurred_at,
        known.recorded_at,
        known.expires_at,
        links.parted_at
    from known
    inner join links
        on
            known.identifier_type = links.identifier_type
            and known.identifier = links.identifier
),

-- what the other side said later is their own affair, and an address of theirs that bounced too
crossed as (
    select * exclude (parted_at)
    from reached
    where parted_at is null or (occurred_at <= parted_at and not is_about_address)
)

select * from crossed
