-- grain: one row per audience and person who is a member, permitted now and has an address
with

permitted as (
    select * from {{ ref('out_permitted_members') }}
),

allow_listed as (
    select
        audience,
        person_id,
        channel,
        address,
        since
    from permitted
)

select * from allow_listed
