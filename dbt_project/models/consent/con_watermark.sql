-- grain: one row, or none when the ledger was never copied: how far the copy reaches
with

copies as (
    select * from {{ source('store', 'consent_watermark') }}
),

newest as (
    select
        max(seq) as seq,
        max(recorded_at) as recorded_at
    from copies
    having count(*) > 0
)

select * from newest
