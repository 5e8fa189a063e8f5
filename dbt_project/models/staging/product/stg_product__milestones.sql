-- grain: one row per account and milestone (account_id, milestone), its current version
with milestones as (
    {{ latest_record(source('product', 'product_milestones'), ['account_id', 'milestone']) }}
),

renamed as (
    select
        account_id,
        milestone,

        reached_at,
        _loaded_at as loaded_at
    from milestones
)

select * from renamed
