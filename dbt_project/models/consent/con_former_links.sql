-- grain: one row per person and identifier of a record they are parted from
-- (person_id, identifier_type, identifier)
-- Records that were one person and are several now: what was said under an identifier of either
-- side until they were parted restricts the other side too. It permits nothing and is no address of
-- theirs, so it stands apart from id_person_identifiers. Any way of parting counts: a record that
-- moved, or came back to another person after it was gone, was parted as well.
with

changes as (
    select * from {{ ref('id_changes') }}
),

records as (
    select * from {{ ref('id_records') }}
),

identifiers as (
    select * from {{ ref('id_identifiers') }}
),

own as (
    select * from {{ ref('id_person_identifiers') }}
),

-- two changes of one instant are a run repeated: a record is new before it is anything else
spells as (
    select
        record_key,
        new_person_id as person_id,
        changed_at as held_from,
        lead(changed_at) over (
            partition by record_key
            order by changed_at asc, old_person_id asc nulls first, change_id asc
        ) as held_to
    from changes
),

partings as (
    select
        person_id,
        held_to as parted_at
    from spells
    where person_id is not null and held_to is not null
    group by person_id, held_to
),

-- who was together, and whose they are today
together as (
    select
        partings.person_id as former_person_id,
        partings.parted_at,
        spells.record_key,
        records.person_id
    from partings
    inner join spells
        on
            partings.person_id = spells.person_id
            and partings.parted_at >= spells.held_from
            and partings.parted_at <= coalesce(spells.held_to, partings.parted_at)
    inner join records
        on spells.record_key = records.record_key
),

sides as (
    select
        former_person_id,
        parted_at,
        person_id
    from together
    group by former_person_id, parted_at, person_id
),

crossing as (
    select
        sides.person_id,
        identifiers.identifier_type,
        identifiers.identifier,
        max(sides.parted_at) as parted_at
    from sides
    inner join together
        on
            sides.former_person_id = together.former_person_id
            and sides.parted_at = together.parted_at
            and sides.person_id <> together.person_id
    inner join identifiers
        on together.record_key = identifiers.record_key
    group by sides.person_id, identifiers.identifier_type, identifiers.identifier
),

-- what the person carries themselves reaches them anyway, without a bound
others as (
    select crossing.*
    from crossing
    anti join own
        on
            crossing.person_id = own.person_id
            and crossing.identifier_type = own.identifier_type
            and crossing.identifier = own.identifier
)

select * from others
