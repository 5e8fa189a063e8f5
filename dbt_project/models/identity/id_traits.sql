-- grain: one row per record that names a person (record_key), with what must not be contradicted
-- A record that says nothing of its own (an account has no name) takes the traits of the records
-- that authoritative links join it to, so that a household's mailbox cannot slip through it.
with records as (
    select * from {{ ref('id_record_attributes') }}
),

authorities as (
    select * from {{ ref('id_authorities') }}
),

overrides as (
    select * from {{ source('store', 'identity_override') }}
),

detached as (
    select record_key
    from overrides
    where kind = 'detach'
),

placed as (
    select
        records.record_key,
        coalesce(authorities.component, records.record_key) as authority,
        records.customer_number,
        records.initials,
        records.birth_year
    from records
    left join authorities on records.record_key = authorities.record_key
),

authority_traits as (
    select
        authority,
        case when count(customer_number) > 0 then authority end as customer_group,
        min(initials) as initials,
        min(birth_year) as birth_year
    from placed
    group by authority
),

traits as (
    select
        placed.record_key,
        placed.authority,
        authority_traits.customer_group,
        coalesce(placed.initials, authority_traits.initials) as initials,
        coalesce(placed.birth_year, authority_traits.birth_year) as birth_year,
        detached.record_key is not null as is_detached
    from placed
    inner join authority_traits on placed.authority = authority_traits.authority
    left join detached on placed.record_key = detached.record_key
)

select * from traits
