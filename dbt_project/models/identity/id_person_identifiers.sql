-- grain: one row per person and identifier (person_id, identifier_type, identifier)
-- What consent is matched on. A grant given under an identifier counts only when the identifier is
-- the person's own and the record that carries it is surely theirs; a restriction counts whatever
-- the way. A billing address reaches the policyholder but proves nothing about who reads it, so it
-- can only restrict.
with records as not materialized (
    select * from {{ ref('id_records') }}
),

identifiers as (
    select * from {{ ref('id_identifiers') }}
),

invoices as (
    select * from {{ ref('stg_billing__invoices') }}
),

policies as (
    select * from {{ ref('stg_policy__policies') }}
),

carried as (
    select
        records.person_id,
        identifiers.identifier_type,
        identifiers.identifier,
        identifiers.status,
        records.assurance,
        identifiers.status <> 'ok'
        or records.assurance in ('C', 'D') as is_restriction_only
    from identifiers
    inner join records on identifiers.record_key = records.record_key
),

billing_addresses as (
    select
        policies.customer_number,
        invoices.billing_email
    from invoices
    inner join policies on invoices.policy_number = policies.policy_number
    where invoices.billing_email is not null
    group by policies.customer_number, invoices.billing_email
),

billed as (
    select
        records.person_id,
        'email' as identifier_type,
        billing_addresses.billing_email as identifier,
        'ok' as status,
        'C' as assurance,
        true as is_restriction_only
    from billing_addresses
    inner join records
        on
            records.system = 'policy'
            and billing_addresses.customer_number = records.record_id
),

reaching as (
    select * from carried
    union all
    select * from billed
),

weighed as (
    select
        person_id,
        identifier_type,
        identifier,
        -- the worst, by a maximum that no order of the rows can change
        max(
            case status when 'blocked' then 3 when 'shared' then 2 when 'conflict' then 1 else 0 end
        ) as severity,
        min(assurance) as assurance,
        bool_and(is_restriction_only) as is_restriction_only
    from reaching
    group by person_id, identifier_type, identifier
),

named as (
    select
        person_id,
        identifier_type,
        identifier,
        case severity
            when 3 then 'blocked'
            when 2 then 'shared'
            when 1 then 'conflict'
            else 'ok'
        end as status,
        assurance,
        is_restriction_only
    from weighed
)

select * from named
