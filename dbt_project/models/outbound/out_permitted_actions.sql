-- grain: one row per decision to act that is still valid, permitted now and has an address
-- The consent gate of outbound: every out_<destination>_actions selects its fields from here
-- and from nowhere else.
with

actions as (
    select * from {{ source('activation', 'action') }}
    where valid_until >= {{ as_of() }}
),

permits as (
    select * from {{ ref('con_permits') }}
    where verdict = 'permit'
),

contact_points as (
    select * from {{ ref('per_contact_points') }}
),

persons as (
    select * from {{ ref('per_persons') }}
),

policies as (
    select * from {{ ref('ctx_policy') }}
),

claims as (
    select * from {{ ref('ctx_claim') }}
),

accounts as (
    select * from {{ ref('ctx_account') }}
),

tickets as (
    select * from {{ ref('ctx_ticket') }}
),

allowed as (
    select
        actions.*,
        contact_points.address
    from actions
    inner join permits
        on
            actions.person_id = permits.person_id
            and actions.purpose = permits.purpose
            and actions.channel = permits.channel
    inner join contact_points
        on
            actions.person_id = contact_points.person_id
            and actions.channel = contact_points.channel
),

-- a payload field comes only from a context that may be asked for the action's purpose
filled as (
    select
        allowed.decision_id,
        allowed.person_id,
        allowed.node,
        allowed.action,
        allowed.channel,
        allowed.address,
        allowed.template,
        allowed.purpose,
        allowed.lawful_basis,
        allowed.subject_id,

        persons.given_name,
        persons.preferred_language,
        policies.policy_number,
        policies.product_line,
        policies.renews_on,
        claims.claim_number,
        claims.status as claim_status,
        tickets.ticket_id,
        tickets.topic,
        accounts.next_milestone,

        allowed.send_after,
        allowed.valid_until
    from allowed
    inner join persons
        on allowed.person_id = persons.person_id
    left join policies
        on
            allowed.person_id = policies.person_id
            and allowed.subject_id = policies.subject_id
            and allowed.purpose in ('renewal', 'policy_service')
    left join claims
        on
            allowed.person_id = claims.person_id
            and allowed.subject_id = claims.subject_id
            and allowed.purpose = 'claims_service'
    left join accounts
        on
            allowed.person_id = accounts.person_id
            and allowed.subject_id = accounts.subject_id
            and allowed.purpose = 'onboarding'
    left join tickets
        on
            allowed.person_id = tickets.person_id
            and allowed.subject_id = tickets.subject_id
            and allowed.purpose = 'service_recovery'
)

select * from filled
