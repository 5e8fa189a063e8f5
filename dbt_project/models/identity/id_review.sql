-- grain: one row per matter of identity that a person should look at (matter_id)
-- A key in conflict would join two customers, a guarded component would be one person who
-- contradicts themselves. Neither is joined; a person may know better. What an override has settled
-- is left out.
with keys as (
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

key_conflicts as (
    select
        'k_' || left(conflicts.key_hash, 12) as matter_id,
        'key_conflict' as kind,
        conflicts.rule as reason,
        count(*) as record_count,
        min(keys.record_key) as first_record,
        max(keys.record_key) as last_record
    from conflicts
    inner join keys
        on
            conflicts.rule = keys.rule
            and conflicts.key_hash = keys.key_hash
    group by conflicts.rule, conflicts.key_hash
),

contradictions as (
    select
        'g_' || left({{ sha256_hex('raw_component') }}, 12) as matter_id,
        'guarded' as kind,
        reason,
        count(*) as record_count,
        min(record_key) as first_record,
        max(record_key) as last_record
    from guarded
    where reason <> 'never_link'
    group by raw_component, reason
),

matters as (
    select * from key_conflicts
    union all
    select * from contradictions
)

select * from matters
