-- grain: one row per service ticket of a known person, opened by as_of
with

tickets as (
    select * from {{ ref('stg_service__tickets') }}
    where opened_at <= {{ as_of() }}
),

answers as (
    select * from {{ ref('stg_service__satisfaction') }}
    where responded_at <= {{ as_of() }}
),

requesters as (
    select * from {{ ref('id_records') }}
    where system = 'service' and entity = 'tickets'
),

answered as (
    select
        requesters.person_id,
        tickets.ticket_id,
        requesters.record_key,
        requesters.assurance,
        tickets.topic,
        tickets.severity,
        answers.score,
        tickets.opened_at,
        tickets.resolved_at,
        answers.responded_at
    from tickets
    inner join requesters
        on tickets.ticket_id = requesters.record_id
    left join answers
        on tickets.ticket_id = answers.ticket_id
)

select * from answered
