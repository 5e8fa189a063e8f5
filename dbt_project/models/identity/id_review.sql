-- grain: one row per matter of identity that a person should look at (matter_id)
-- A key in conflict would join two customers, a guarded component would be one person who
-- contradicts themselves, a score is too low to join, or forbidden to. None is joined; a person may
-- know better. What an override has settled is left out.
-- Keys are read where they lie: writing all of them out for three readers doubled the cost.
with keys as not materialized (
    select * from {{ ref('id_keys') }}
    union all
    select * from {{ ref('id_composite_keys') }}
),

key_status as (
    select * from {{ ref('id_key_status') }}
    union all
    select * from {{ ref('id_composite_key_status') }}
),

guarded as (
    select * from {{ ref('id_guarded') }}
),

probable_links as (
    select * from {{ ref('id_probable_links') }}
    where outcome not in ('joined', 'never_link')
),

overrides as (
    select * from {{ source('store', 'identity_override') }}
),

overridden as (
    {{ identity_overridden_keys('keys', 'overrides') }}
),

conflicts as (
    select
        key_status.rule,
        key_status.key_hash
    from key_status
    left join overridden
        on
            key_status.rule = overridden.rule
            and key_status.key_hash = overridden.key_hash
    where
        key_status.status = 'conflict'
        and overridden.key_hash is null
),

conflict_carriers as (
    select
        keys.record_key,
        keys.rule,
        keys.key_hash
    from conflicts
    inner join keys
        on
            conflicts.rule = keys.rule
            and conflicts.key_hash = keys.key_hash
),

key_conflicts as (
    select
        'k_' || left(replace(key_hash::varchar, '-', ''), 12) as matter_id,
        'key_conflict' as kind,
        rule as reason,
        count(*) as record_count,
        min(record_key) as first_record,
        max(record_key) as last_record,
        null::double as probability,
        null::varchar as evidence
    from conflict_carriers
    group by rule, key_hash
),

contradictions as (
    select
        'g_' || left({{ sha256_hex('raw_component') }}, 12) as matter_id,
        'guarded' as kind,
        reason,
        count(*) as record_count,
        min(record_key) as first_record,
        max(record_key) as last_record,
        null::double as probability,
        null::varchar as evidence
    from guarded
    where reason <> 'never_link'
    group by raw_component, reason
),

-- two records that a key in conflict names already are one matter, not two
asked_already as (
    select
        probable_links.record_key,
        probable_links.other_record_key
    from probable_links
    inner join conflict_carriers on probable_links.record_key = conflict_carriers.record_key
    inner join conflict_carriers as other_carriers
        on
            probable_links.other_record_key = other_carriers.record_key
            and conflict_carriers.rule = other_carriers.rule
            and conflict_carriers.key_hash = other_carriers.key_hash
    group by probable_links.record_key, probable_links.other_record_key
),

likenesses as (
    select
        'p_' || left(
            {{ sha256_hex(
                "probable_links.record_key || chr(31) || probable_links.other_record_key"
            ) }},
            12
        ) as matter_id,
        'probable' as kind,
        probable_links.outcome as reason,
        2 as record_count,
        probable_links.record_key as first_record,
        probable_links.other_record_key as last_record,
        probable_links.probability,
        concat_ws(
            '; ', array_to_string(probable_links.evidence, '; '), probable_links.doubt
        ) as evidence
    from probable_links
    left join asked_already
        on
            probable_links.record_key = asked_already.record_key
            and probable_links.other_record_key = asked_already.other_record_key
    where asked_already.record_key is null
),

matters as (
    select * from key_conflicts
    union all
    select * from contradictions
    union all
    select * from likenesses
)

select * from matters
