-- grain: one row per claim on a policy of a known person, opened by as_of
with

claims as (
    select * from {{ ref('stg_policy__claims') }}
    where opened_at <= {{ as_of() }}
),

policies as (
    select * from {{ ref('per_policies') }}
),

made as (
    select
        policies.person_id,
        claims.claim_number,
        policies.record_key,
        policies.assurance,
        claims.policy_number,
        policies.product_line,
        claims.status,
        claims.status in ('open', 'in_review') as is_open,
        claims.amount,
        claims.opened_at,
        claims.closed_at
    from claims
    inner join policies
        on claims.policy_number = policies.policy_number
)

select * from made
