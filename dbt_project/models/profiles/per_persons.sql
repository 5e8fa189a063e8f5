-- grain: one row per person
with

persons as (
    select * from {{ ref('id_persons') }}
),

jurisdictions as (
    select * from {{ ref('con_persons') }}
),

records as (
    select * from {{ ref('per_records') }}
),

countries as (
    select * from {{ source('reference', 'country') }}
),

zones as (
    select name from pg_timezone_names()
),

ranked as (
    select
        records.*,
        zones.name as valid_timezone,
        row_number() over (
            partition by records.person_id
            order by records.seen_at desc nulls last, records.record_key asc
        ) as recency
    from records
    left join zones
        on records.timezone = zones.name
),

stated as (
    select
        person_id,
        {{ first_known('valid_timezone', 'recency') }} as timezone,
        max(assurance) as assurance,
        max(seen_at) as seen_at
    from ranked
    group by person_id
),

placed as (
    select
        persons.person_id,

        persons.given_name,
        persons.family_name,
        persons.date_of_birth,
        coalesce(persons.preferred_language, countries.language) as preferred_language,
        coalesce(stated.timezone, countries.timezone, 'UTC') as timezone,
        jurisdictions.jurisdiction as country,
        coalesce(countries.residency, 'other') as residency,
        stated.assurance,

        stated.seen_at
    from persons
    left join jurisdictions
        on persons.person_id = jurisdictions.person_id
    left join stated
        on persons.person_id = stated.person_id
    left join countries
        on jurisdictions.jurisdiction = countries.country
)

select * from placed
