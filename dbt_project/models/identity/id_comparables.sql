-- grain: one row per source record that can be compared (record_key)
-- What the probabilistic layer compares, and a hash of it: a record is scored anew when it changes.
-- A value that a household, a call centre or a broker shares is no evidence that two records are
-- one person: it is left out, so a value that comes to be shared changes all that carry it.
with records as (
    select * from {{ ref('id_record_attributes') }}
),

traits as (
    select * from {{ ref('id_traits') }}
),

keys as (
    select * from {{ ref('id_keys') }}
),

shared_keys as (
    select * from {{ ref('id_key_status') }}
    where status in ('blocked', 'shared')
),

shared_carriers as (
    select
        keys.record_key,
        bool_or(keys.rule = 'email') as has_shared_email,
        bool_or(keys.rule = 'phone') as has_shared_phone
    from keys
    inner join shared_keys
        on
            keys.rule = shared_keys.rule
            and keys.key_hash = shared_keys.key_hash
    group by keys.record_key
),

comparables as (
    select
        records.record_key,
        records.name_given_normalised as given_name,
        records.name_family_normalised as family_name,
        records.name_words,
        records.initials,
        cast(records.date_of_birth as varchar) as date_of_birth,
        records.swappable_birth_date,
        case when shared_carriers.has_shared_email is not true then records.email end as email,
        case when shared_carriers.has_shared_phone is not true then records.phone_e164 end as phone,
        records.postcode_normalised as postcode,
        records.street_normalised as street
    from records
    inner join traits on records.record_key = traits.record_key
    left join shared_carriers on records.record_key = shared_carriers.record_key
    where
        records.name_words is not null
        and not traits.is_detached
),

hashed as (
    select
        *,
        {{ keyed_hash(
            "concat_ws(chr(31), coalesce(given_name, ''), coalesce(family_name, ''), "
            ~ "coalesce(date_of_birth, ''), coalesce(email, ''), coalesce(phone, ''), "
            ~ "coalesce(postcode, ''), coalesce(street, ''))"
        ) }} as content_hash
    from comparables
)

select * from hashed
