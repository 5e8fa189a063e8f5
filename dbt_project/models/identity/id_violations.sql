-- grain: one row per component that contradicts itself (component), and how
with components as (
    select * from {{ ref('id_components') }}
),

traits as (
    select * from {{ ref('id_traits') }}
),

overrides as (
    select * from {{ source('store', 'identity_override') }}
),

separated as (
    {{ identity_separated('components', 'overrides', ['component']) }}
),

judged as (
    {{ identity_violations('components', 'traits', 'separated', ['component']) }}
),

violations as (
    select * from judged
    where reason is not null
)

select * from violations
