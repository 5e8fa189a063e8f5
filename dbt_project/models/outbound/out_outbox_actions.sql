-- grain: one row per decision to act that is still valid, permitted now and has an address
with

permitted as (
    select * from {{ ref('out_permitted_actions') }}
),

allow_listed as (
    select
        decision_id,
        person_id,
        node,
        action,
        channel,
        address,
        template,
        purpose,
        lawful_basis,
        subject_id,
        given_name,
        preferred_language,
        policy_number,
        product_line,
        renews_on,
        claim_number,
        claim_status,
        ticket_id,
        topic,
        next_milestone,
        send_after,
        valid_until
    from permitted
)

select * from allow_listed
