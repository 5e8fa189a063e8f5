-- grain: one row per person and channel, the address to use
with

usable as (
    select * from {{ ref('per_addresses') }}
    where refusal is null
),

preferred as (
    select
        person_id,
        channel,
        address,
        record_key,
        is_verified,
        seen_at
    from usable
    qualify row_number() over (partition by person_id, channel order by preference) = 1
)

select * from preferred
