-- grain: one row per component that contradicts itself (component), and how
with components as (
    select * from {{ ref('id_components') }}
),

traits as (
    select * from {{ ref('id_traits') }}
),

judged as (
    {{ identity_violations('components', 'traits', ['component']) }}
),

violations as (
    select * from judged
    where reason is not null
)

select * from violations
