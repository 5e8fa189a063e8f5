-- grain: one row per record, rule and record it is joined to (record_key, rule, anchor_key)
with candidates as (
    select * from {{ ref('id_candidate_links') }}
),

guarded as (
    select * from {{ ref('id_guarded') }}
),

rules as (
    select * from {{ ref('id_rules') }}
    where kind = 'probable'
),

probable_links as (
    select * from {{ ref('id_probable_links') }}
    where outcome = 'joined'
),

kept as (
    select
        candidates.record_key,
        candidates.anchor_key,
        candidates.rule,
        candidates.tier,
        candidates.assurance
    from candidates
    left join guarded on candidates.record_key = guarded.record_key
    left join guarded as guarded_anchors on candidates.anchor_key = guarded_anchors.record_key
    where
        candidates.record_key <> candidates.anchor_key
        and (
            guarded.record_key is null
            or (
                candidates.tier <= guarded.kept_tier
                and guarded.component = guarded_anchors.component
            )
        )
),

probable as (
    select
        probable_links.other_record_key as record_key,
        probable_links.record_key as anchor_key,
        rules.rule,
        rules.tier,
        rules.assurance
    from probable_links
    cross join rules
),

links as (
    select * from kept
    union all
    select * from probable
)

select * from links
