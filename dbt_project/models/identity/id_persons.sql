-- grain: one row per person (person_id)
-- Each field survives from the most trusted source that has it, then from its newest record; the
-- country is the newest record's, since it decides whose rules apply.
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
        row_number() over (
            partition by records.person_id
            order by
                case attributes.system
                    {%- for system, priority in var('identity_source_priority').items() %}
                    when '{{ system }}' then {{ priority }}
                    {%- endfor %}
                end asc,
                attributes.seen_at desc nulls last,
                attributes.record_key asc
        ) as by_source,
        row_number() over (
            partition by records.person_id
            order by attributes.seen_at desc nulls last, attributes.record_key asc
        ) as by_recency
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
        {{ first_known('given_name', 'by_source') }} as given_name,
        {{ first_known('family_name', 'by_source') }} as family_name,
        {{ first_known('date_of_birth', 'by_source') }} as date_of_birth,
        {{ first_known('preferred_language', 'by_source') }} as preferred_language,
        {{ first_known('country', 'by_recency') }} as country,
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
