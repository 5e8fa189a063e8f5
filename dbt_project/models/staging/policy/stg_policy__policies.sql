-- grain: one row per policy (policy_number), its current version
with policies as (
    {{ latest_record(source('policy', 'policy_policies'), ['policy_number']) }}
),

renamed as (
    select
        policy_number,
        customer_number,

        product_line,
        status,
        auto_renew,

        annual_premium,
        currency,

        started_on,
        renews_on,
        _loaded_at as loaded_at
    from policies
)

select * from renamed
