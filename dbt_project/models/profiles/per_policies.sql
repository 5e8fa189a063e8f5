-- grain: one row per policy of a known person
with

policies as (
    select * from {{ ref('stg_policy__policies') }}
),

holders as (
    select * from {{ ref('id_records') }}
    where system = 'policy' and entity = 'policyholders'
),

held as (
    select
        holders.person_id,
        policies.policy_number,
        holders.record_key,
        holders.assurance,
        policies.customer_number,
        policies.product_line,
        {{ keep_values('policies.product_line', ['home', 'motor', 'travel']) }} as property_line,
        policies.status,
        policies.currency,
        policies.auto_renew,
        policies.annual_premium,
        policies.started_on,
        policies.renews_on
    from policies
    inner join holders
        on policies.customer_number = holders.record_id
)

select * from held
