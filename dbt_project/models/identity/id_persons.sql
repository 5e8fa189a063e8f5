-- grain: one row per person (person_id)
-- Each field survives from the source that identity_survivorship names first and that has it, then
-- from its newest record.
{%- set survivorship = identity_survivorship() %}
with records as (
    select * from {{ ref('id_records') }}
),

attributes as (
    select * from {{ ref('id_record_attributes') }}
),

changes as (
    select * from {{ ref('id_changes') }}
),

ranked as (
    select
        records.person_id,
        attributes.*,
        {{ survivorship_ranks('records.person_id', 'attributes') }}
    from records
    inner join attributes on records.record_key = attributes.record_key
),

created as (
    select
        new_person_id as person_id,
        min(changed_at) as created_at
    from changes
    where new_person_id is not null
    group by new_person_id
),

absorbed as (
    select
        new_person_id as person_id,
        count(distinct old_person_id) as merged_person_count
    from changes
    where cause = 'merged'
    group by new_person_id
),

survived as (
    select
        person_id,
        count(*) as record_count,
        min(record_key) as first_record_key,
        {%- for field, sources in survivorship.items() %}
        {{ first_known(field, survivorship_order(sources)) }} as {{ field }},
        {%- endfor %}
        max(seen_at) as last_seen_at
    from ranked
    group by person_id
),

persons as (
    select
        survived.person_id,

        survived.first_record_key,
        survived.given_name,
        survived.family_name,
        survived.date_of_birth,
        survived.preferred_language,
        survived.country,

        survived.record_count,
        coalesce(absorbed.merged_person_count, 0) as merged_person_count,

        created.created_at,
        survived.last_seen_at
    from survived
    left join created on survived.person_id = created.person_id
    left join absorbed on survived.person_id = absorbed.person_id
)

select * from persons
