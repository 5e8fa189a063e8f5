-- grain: one row per cluster (component), the person_id it carries and whether the id is new
-- An id goes to the cluster that holds most of its records; a cluster that several ids would go to
-- keeps the one with most records, then the oldest. All others get an id never used before: it is
-- minted from the least record and the number of ids that record has had, which grows with every id
-- minted from it.
with clusters as (
    select * from {{ ref('id_clusters') }}
),

current_map as (
    select * from {{ source('store', 'identity_map') }}
),

changes as (
    select * from {{ source('store', 'identity_change') }}
),

persons_since as (
    select
        person_id,
        min(since) as since
    from current_map
    group by person_id
),

shared_records as (
    select
        clusters.component,
        current_map.person_id,
        count(*) as record_count,
        min(clusters.record_key) as least_record_key
    from clusters
    inner join current_map on clusters.record_key = current_map.record_key
    group by clusters.component, current_map.person_id
),

claims as (
    select * from shared_records
    qualify row_number() over (
        partition by person_id
        order by record_count desc, least_record_key asc
    ) = 1
),

kept as (
    select
        claims.component,
        claims.person_id
    from claims
    inner join persons_since on claims.person_id = persons_since.person_id
    qualify row_number() over (
        partition by claims.component
        order by claims.record_count desc, persons_since.since asc, claims.person_id asc
    ) = 1
),

components as (
    select
        component,
        min(record_key) as least_record_key
    from clusters
    group by component
),

unnamed as (
    select
        components.component,
        components.least_record_key
    from components
    left join kept on components.component = kept.component
    where kept.component is null
),

earlier_ids as (
    select
        held.record_key,
        count(distinct held.person_id) as id_count
    from (
        select
            record_key,
            new_person_id as person_id
        from changes
        where new_person_id is not null
        union all
        select
            record_key,
            person_id
        from current_map
    ) as held
    inner join unnamed on held.record_key = unnamed.least_record_key
    group by held.record_key
),

minted as (
    select
        unnamed.component,
        'p_' || left(
            {{ sha256_hex(
                "'assent.person:' || unnamed.least_record_key || "
                ~ "coalesce(':' || cast(earlier_ids.id_count as varchar), '')"
            ) }},
            16
        ) as person_id
    from unnamed
    left join earlier_ids on unnamed.least_record_key = earlier_ids.record_key
),

assigned as (
    select
        component,
        person_id,
        false as is_new
    from kept
    union all
    select
        component,
        person_id,
        true as is_new
    from minted
)

select * from assigned
