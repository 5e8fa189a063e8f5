-- grain: one row per source record that names a person (record_key), and the cluster it belongs to
-- The core of a cluster is the group that authoritative links make around a customer number, or
-- else the largest. A record's assurance says how it hangs on to that core: A by authoritative
-- links, B by verified contact as well, C by anything weaker that a rule says, D by a score.
-- Permissions travel over A and B alone.
with records as (
    select * from {{ ref('id_traits') }}
),

contact_components as (
    select * from {{ ref('id_contact_components') }}
),

rule_clusters as (
    select * from {{ ref('id_rule_clusters') }}
),

joined as (
    select * from {{ ref('id_joined') }}
),

violations as (
    select * from {{ ref('id_joined_violations') }}
),

links as not materialized (
    select * from {{ ref('id_links') }}
),

rules as (
    select * from {{ ref('id_rules') }}
),

-- a joined component that contradicts itself falls back to its rule clusters
sound_joins as (
    select joined.*
    from joined
    left join violations on joined.component = violations.component
    where violations.component is null
),

placed as (
    select
        records.record_key,
        rule_clusters.raw_component,
        rule_clusters.component as rule_component,
        coalesce(sound_joins.component, rule_clusters.component) as component,
        records.authority,
        records.customer_group,
        coalesce(contact_components.component, records.record_key) as contact_group
    from records
    inner join rule_clusters on records.record_key = rule_clusters.record_key
    left join sound_joins on rule_clusters.component = sound_joins.record_key
    left join contact_components on records.record_key = contact_components.record_key
),

groups as (
    select
        component,
        rule_component,
        contact_group,
        authority,
        count(*) as record_count,
        count(customer_group) as customer_record_count
    from placed
    group by component, rule_component, contact_group, authority
),

-- the least by a total order: a window over the groups took 2 of 3.6 CPU seconds for 1M records
ranked_cores as (
    select
        component,
        min_by(
            struct_pack(
                rule_component := rule_component,
                contact_group := contact_group,
                authority := authority
            ),
            (-customer_record_count, -record_count, authority)
        ) as core
    from groups
    group by component
),

cores as (
    select
        component,
        core.rule_component,
        core.contact_group,
        core.authority
    from ranked_cores
),

-- a window over the links of all records took four times as long as the least of a number
ranked_rules as (
    select
        rule,
        row_number() over (order by tier, rule) as strength
    from rules
),

linked_records as (
    select
        links.record_key,
        ranked_rules.strength
    from links
    inner join ranked_rules on links.rule = ranked_rules.rule
    union all
    select
        links.anchor_key as record_key,
        ranked_rules.strength
    from links
    inner join ranked_rules on links.rule = ranked_rules.rule
),

strongest as (
    select
        record_key,
        min(strength) as strength
    from linked_records
    group by record_key
),

clusters as (
    select
        placed.record_key,
        placed.raw_component,
        placed.component,
        case
            when placed.rule_component <> cores.rule_component then 'D'
            when placed.authority = cores.authority then 'A'
            when placed.contact_group = cores.contact_group then 'B'
            else 'C'
        end as assurance,
        coalesce(ranked_rules.rule, 'single') as strongest_rule
    from placed
    inner join cores on placed.component = cores.component
    left join strongest on placed.record_key = strongest.record_key
    left join ranked_rules on strongest.strength = ranked_rules.strength
)

select * from clusters
