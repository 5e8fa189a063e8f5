-- grain: one row per change of a record's person (change_id), committed or of this run
-- Replaying it in order of changed_at gives the current map.
with records as (
    select * from {{ ref('id_records') }}
),

assignments as (
    select * from {{ ref('id_assignments') }}
),

current_map as (
    select * from {{ source('store', 'identity_map') }}
),

committed as (
    select
        change_id,
        record_key,
        old_person_id,
        new_person_id,
        cause,
        changed_at
    from {{ source('store', 'identity_change') }}
),

living as (
    select
        person_id,
        is_new
    from assignments
),

moves as (
    select
        coalesce(records.record_key, current_map.record_key) as record_key,
        current_map.person_id as old_person_id,
        records.person_id as new_person_id
    from records
    full outer join current_map on records.record_key = current_map.record_key
    where records.person_id is distinct from current_map.person_id
),

explained as (
    select
        moves.record_key,
        moves.old_person_id,
        moves.new_person_id,
        case
            when moves.new_person_id is null then 'retired'
            when moves.old_person_id is null and new_persons.is_new then 'created'
            when moves.old_person_id is null then 'joined'
            when new_persons.is_new then 'split'
            when old_persons.person_id is null then 'merged'
            else 'moved'
        end as cause
    from moves
    left join living as new_persons on moves.new_person_id = new_persons.person_id
    left join living as old_persons on moves.old_person_id = old_persons.person_id
),

new_changes as (
    select
        'i_' || left(
            {{ sha256_hex(
                "record_key || chr(31) || coalesce(old_person_id, '') || chr(31)"
                ~ " || coalesce(new_person_id, '') || chr(31) || '" ~ var('as_of') ~ "'"
            ) }},
            24
        ) as change_id,
        record_key,
        old_person_id,
        new_person_id,
        cause,
        {{ as_of() }} as changed_at
    from explained
),

changes as (
    select * from committed
    union all
    select * from new_changes
)

select * from changes
