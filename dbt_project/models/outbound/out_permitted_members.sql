-- grain: one row per audience and person who is a member, permitted now and has an address
-- The consent gate of outbound: every out_<destination>_audiences selects its fields from here
-- and from nowhere else.
with

members as (
    select * from {{ source('activation', 'audience') }}
),

-- the purpose and channel that the membership was decided for
decisions as (
    select
        node,
        person_id,
        purpose,
        channel
    from {{ source('activation', 'decision_log') }}
    where outcome = 'act'
    qualify row_number() over (partition by node, person_id order by batch desc, seq desc) = 1
),

permits as (
    select * from {{ ref('con_permits') }}
    where verdict = 'permit'
),

contact_points as (
    select * from {{ ref('per_contact_points') }}
),

persons as (
    select * from {{ ref('per_persons') }}
),

allowed as (
    select
        members.audience,
        members.person_id,
        decisions.purpose,
        decisions.channel,
        contact_points.address,
        persons.given_name,
        members.since
    from members
    inner join decisions
        on
            members.audience = decisions.node
            and members.person_id = decisions.person_id
    inner join permits
        on
            decisions.person_id = permits.person_id
            and decisions.purpose = permits.purpose
            and decisions.channel = permits.channel
    inner join contact_points
        on
            decisions.person_id = contact_points.person_id
            and decisions.channel = contact_points.channel
    inner join persons
        on members.person_id = persons.person_id
)

select * from allowed
