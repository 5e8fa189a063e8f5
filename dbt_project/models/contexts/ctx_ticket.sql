-- grain: one row per service ticket of a known person whose survey was answered by as_of
with

answers as (
    select * from {{ ref('per_tickets') }}
    where responded_at is not null
),

heard as (
    select * from {{ ref('per_sources') }}
    where source_system = 'service'
),

bundled as (
    select
        answers.person_id,
        answers.ticket_id as subject_id,
        answers.ticket_id,
        answers.assurance,

        answers.topic,
        answers.severity,

        cast(answers.score as integer) as score,
        {{ elapsed_hours('answers.responded_at', as_of()) }} as hours_since_answer,

        answers.responded_at,
        heard.source_at
    from answers
    cross join heard
)

select * from bundled
