-- grain: one row per claim (claim_number), its current version
with claims as (
    {{ latest_record(source('policy', 'policy_claims'), ['claim_number']) }}
),

renamed as (
    select
        claim_number,
        policy_number,

        status,

        amount,

        opened_at,
        closed_at,
        _loaded_at as loaded_at
    from claims
)

select * from renamed
