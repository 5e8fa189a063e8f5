-- grain: one row per invoice (invoice_number), its current version
with invoices as (
    {{ latest_record(source('billing', 'billing_invoices'), ['invoice_number']) }}
),

normalised as (
    select
        invoice_number,
        policy_number,

        {{ normalise_email('billing_email') }} as billing_email,

        amount,
        currency,

        issued_on,
        due_on,
        paid_on,
        _loaded_at as loaded_at
    from invoices
)

select * from normalised
