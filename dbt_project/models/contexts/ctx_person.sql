-- grain: one row per person
-- The state of a person that the gates read: where, when and how one may be reached.
with

persons as (
    select * from {{ ref('per_persons') }}
),

contact_points as (
    select * from {{ ref('per_contact_points') }}
),

heard as (
    select max(source_at) as source_at from {{ ref('per_sources') }}
),

reachable as (
    select
        person_id,
        bool_or(channel = 'email') as reachable_email,
        bool_or(channel = 'sms') as reachable_sms,
        bool_or(channel = 'push') as reachable_push,
        bool_or(channel = 'phone') as reachable_phone,
        bool_or(channel = 'post') as reachable_post
    from contact_points
    group by person_id
),

bundled as (
    select
        persons.person_id,
        persons.person_id as subject_id,
        persons.assurance,

        persons.country,
        persons.residency,
        persons.timezone,
        coalesce(reachable.reachable_email, false) as reachable_email,
        coalesce(reachable.reachable_sms, false) as reachable_sms,
        coalesce(reachable.reachable_push, false) as reachable_push,
        coalesce(reachable.reachable_phone, false) as reachable_phone,
        coalesce(reachable.reachable_post, false) as reachable_post,

        heard.source_at
    from persons
    cross join heard
    left join reachable
        on persons.person_id = reachable.person_id
)

select * from bundled
