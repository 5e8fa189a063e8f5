-- grain: one row per product account of a known person, created by as_of
with

accounts as (
    select * from {{ ref('stg_product__accounts') }}
    where created_at <= {{ as_of() }}
),

milestones as (
    select * from {{ ref('stg_product__milestones') }}
    where reached_at <= {{ as_of() }}
),

owners as (
    select * from {{ ref('id_records') }}
    where system = 'product' and entity = 'accounts'
),

progress as (
    select
        account_id,
        count(distinct milestone) as milestones_reached,
        max(case when milestone = 'signed_up' then 1 else 0 end) as signed_up,
        max(case when milestone = 'verified_email' then 1 else 0 end) as verified_email,
        max(case when milestone = 'added_policy' then 1 else 0 end) as added_policy,
        max(case when milestone = 'set_up_billing' then 1 else 0 end) as set_up_billing,
        max(case when milestone = 'downloaded_documents' then 1 else 0 end) as downloaded_documents,
        max(reached_at) as last_milestone_at
    from milestones
    group by account_id
),

owned as (
    select
        owners.person_id,
        accounts.account_id,
        owners.record_key,
        owners.assurance,
        accounts.email,
        accounts.device_id,
        coalesce(progress.verified_email, 0) = 1 as is_email_verified,
        coalesce(progress.milestones_reached, 0) as milestones_reached,
        case
            when coalesce(progress.signed_up, 0) = 0 then 'signed_up'
            when progress.verified_email = 0 then 'verified_email'
            when progress.added_policy = 0 then 'added_policy'
            when progress.set_up_billing = 0 then 'set_up_billing'
            when progress.downloaded_documents = 0 then 'downloaded_documents'
        end as next_milestone,
        accounts.created_at,
        progress.last_milestone_at
    from accounts
    inner join owners
        on accounts.account_id = owners.record_id
    left join progress
        on accounts.account_id = progress.account_id
)

select * from owned
