-- grain: one row per source record and identifier it carries (record_key, identifier_type)
with attributes as (
    select * from {{ ref('id_record_attributes') }}
),

keys as (
    select * from {{ ref('id_keys') }}
),

key_status as (
    select * from {{ ref('id_key_status') }}
),

overrides as (
    select * from {{ source('store', 'identity_override') }}
),

carried as (
    select
        record_key,
        'email' as identifier_type,
        email as identifier
    from attributes
    union all
    select
        record_key,
        'phone' as identifier_type,
        phone_e164 as identifier
    from attributes
    union all
    select
        record_key,
        'contact_id' as identifier_type,
        contact_id as identifier
    from attributes
    union all
    select
        record_key,
        'customer_number' as identifier_type,
        customer_number as identifier
    from attributes
    union all
    select
        record_key,
        'account_id' as identifier_type,
        record_id as identifier
    from attributes
    where system = 'product'
    union all
    select
        record_key,
        'ticket_id' as identifier_type,
        record_id as identifier
    from attributes
    where system = 'service'
    union all
    select
        record_key,
        'device_id' as identifier_type,
        device_id as identifier
    from attributes
),

weak as (
    select
        keys.record_key,
        keys.rule as identifier_type,
        key_status.status
    from keys
    inner join key_status
        on
            keys.rule = key_status.rule
            and keys.key_hash = key_status.key_hash
    where key_status.status <> 'ok'
),

devices as (
    select
        device_id,
        {{ identity_key({'rule': 'device_id', 'key': ['device_id']}, 'attributes') }} as key_hash,
        count(*) as record_count
    from attributes
    where device_id is not null
    group by device_id
),

shared_devices as (
    select devices.device_id
    from devices
    left join overrides
        on
            overrides.kind = 'keep_shared'
            and overrides.rule = 'device_id'
            and devices.key_hash = {{ identity_override_key('overrides.key_hash') }}
    group by devices.device_id
    having max(devices.record_count) > 1 or count(overrides.key_hash) > 0
),

identifiers as (
    select
        carried.record_key,
        carried.identifier_type,
        carried.identifier,
        case
            when weak.status is not null then weak.status
            when shared_devices.device_id is not null then 'shared'
            else 'ok'
        end as status
    from carried
    left join weak
        on
            carried.record_key = weak.record_key
            and carried.identifier_type = weak.identifier_type
    -- one equality: a condition on the left side beside it makes DuckDB compare every row with
    -- every other, 10 of 12 CPU seconds for 1M records
    left join shared_devices
        on
            case when carried.identifier_type = 'device_id' then carried.identifier end
            = shared_devices.device_id
    where carried.identifier is not null
)

select * from identifiers
