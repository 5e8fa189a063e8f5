-- grain: one row per person, channel and address
-- Every address a person could be reached at, best first, with why one may not be used.
with

candidates as (
    select * from {{ ref('per_address_candidates') }}
),

blocked as (
    select
        identifier_type,
        identifier
    from {{ ref('id_identifiers') }}
    where status = 'blocked'
    group by identifier_type, identifier
),

suppressed as (
    select
        channel,
        address
    from {{ ref('con_suppressed_addresses') }}
    group by channel, address
),

best_sources as (
    select
        *,
        bool_or(is_verified) over (
            partition by person_id, channel, address
        ) as is_address_verified
    from candidates
    qualify row_number() over (
        partition by person_id, channel, address
        order by priority asc, seen_at desc nulls last, record_key asc
    ) = 1
),

judged as (
    select
        best_sources.*,
        case
            when blocked.identifier is not null then 'blocked'
            when suppressed.address is not null then 'suppressed'
            when
                best_sources.channel = 'sms'
                and coalesce(best_sources.phone_kind, 'other') <> 'mobile'
                then 'not_mobile'
        end as refusal
    from best_sources
    left join blocked
        on
            best_sources.identifier_type = blocked.identifier_type
            and best_sources.address = blocked.identifier
    left join suppressed
        on
            best_sources.channel = suppressed.channel
            and best_sources.address = suppressed.address
),

ranked as (
    select
        person_id,
        channel,
        address,
        record_key,
        identifier_type,
        is_address_verified as is_verified,
        refusal,
        row_number() over (
            partition by person_id, channel
            order by priority asc, seen_at desc nulls last, address asc
        ) as preference,
        seen_at
    from judged
)

select * from ranked
