-- grain: one row per person who holds or held a policy
-- Marketing may ask for this bundle, so nothing in it comes from what tells about health: no
-- claims, and of the lines only those that insure things.
with

policies as (
    select * from {{ ref('per_policies') }}
),

heard as (
    select * from {{ ref('per_sources') }}
    where source_system = 'policy'
),

covers as (
    select
        person_id,
        max(assurance) as assurance,
        bool_or(status = 'active' and property_line = 'motor') as has_active_motor,
        bool_or(status = 'active' and property_line = 'home') as has_active_home
    from policies
    group by person_id
),

bundled as (
    select
        covers.person_id,
        covers.person_id as subject_id,
        covers.assurance,

        coalesce(covers.has_active_motor, false) as has_active_motor,
        coalesce(covers.has_active_home, false) as has_active_home,

        heard.source_at
    from covers
    cross join heard
)

select * from bundled
