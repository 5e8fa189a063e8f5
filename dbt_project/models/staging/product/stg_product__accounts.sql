-- grain: one row per product account (account_id), its current version
with accounts as (
    {{ latest_record(source('product', 'product_accounts'), ['account_id']) }}
),

normalised as (
    select
        'product.accounts:' || account_id as record_key,
        account_id,
        {{ null_if_placeholder('customer_number') }} as customer_number,

        {{ normalise_email('login_email') }} as email,
        {{ null_if_placeholder('device_id') }} as device_id,
        {{ country_code('country') }} as country,

        created_at,
        _loaded_at as loaded_at
    from accounts
)

select * from normalised
