-- grain: one row per joined component that contradicts itself (component), and how
-- A score judges two records, the guard all of them: a component in which scores bring together
-- what one person can't be loses every probable link, and its rule clusters stay as they were.
with joined as (
    select * from {{ ref('id_joined') }}
),

rule_clusters as (
    select * from {{ ref('id_rule_clusters') }}
),

traits as (
    select * from {{ ref('id_traits') }}
),

overrides as (
    select * from {{ source('store', 'identity_override') }}
),

members as (
    select
        rule_clusters.record_key,
        joined.component
    from rule_clusters
    inner join joined on rule_clusters.component = joined.record_key
),

separated as (
    {{ identity_separated('members', 'overrides', ['component']) }}
),

judged as (
    {{ identity_violations('members', 'traits', 'separated', ['component']) }}
),

violations as (
    select * from judged
    where reason is not null
)

select * from violations
