"""A large world made by one seed: every gate has something to do. No personal data in it."""

import duckdb

from tests.activation.decisions.worlds import create_world

# Draws are sha256 of seed, name of the draw and number, so that a world is the same everywhere.
_DRAW = (
    "create or replace macro draw(what, i, n) as "
    "cast(cast('0x' || substr(sha256({seed} || what || i), 1, 8) as bigint) % n as integer)"
)

_AS_OF = "timestamptz '2026-11-20 12:00:00+00'"
_SEEN = f"{_AS_OF} - to_hours(case when draw('stale', i, 50) = 0 then 400 else 3 end)"
_LEVEL = "case draw('level', i, 20) when 0 then 'C' when 1 then 'D' when 2 then 'B' else 'A' end"

_STATEMENTS = (
    f"""insert into contexts.ctx_policy
        select 'p_' || draw('policy', i, {{persons}}), 'POL' || i, {_LEVEL}, {_SEEN}, 'POL' || i,
            case draw('line', i, 3) when 0 then 'motor' when 1 then 'home' else 'travel' end,
            case when draw('lapsed', i, 8) = 0 then 'lapsed' else 'active' end,
            date '2027-02-01' + draw('renews', i, 30), 74 + draw('days', i, 18)
        from range({{subjects}}) as r(i)""",
    f"""insert into contexts.ctx_claim
        select 'p_' || draw('claim', i, {{persons}}), 'C' || i, {_LEVEL}, {_SEEN}, 'C' || i,
            'motor',
            case draw('status', i, 4) when 0 then 'paid' when 1 then 'in_review' else 'open' end,
            draw('open', i, 15)
        from range({{subjects}}) as r(i)""",
    f"""insert into contexts.ctx_account
        select 'p_' || draw('account', i, {{persons}}), 'A' || i, {_LEVEL}, {_SEEN}, 'A' || i,
            draw('reached', i, 6), 'added_policy', draw('since', i, 40), draw('age', i, 120)
        from range({{subjects}}) as r(i)""",
    f"""insert into contexts.ctx_ticket
        select 'p_' || draw('ticket', i, {{persons}}), 'T' || i, {_LEVEL}, {_SEEN}, 'T' || i,
            'billing', 'normal', 1 + draw('score', i, 3), draw('hours', i, 80) + 0.25
        from range({{subjects}}) as r(i)""",
    f"""insert into contexts.ctx_customer
        select 'p_' || i, 'p_' || i, {_LEVEL}, {_SEEN}, draw('motor', i, 4) <> 0,
            draw('home', i, 4) = 0
        from range({{persons}}) as r(i)""",
    """insert into contexts.ctx_person
        select 'p_' || i, case draw('region', i, 9) when 0 then 'eu' when 1 then null else 'uk' end,
            case draw('zone', i, 5) when 0 then 'Asia/Tokyo' when 1 then 'America/New_York'
                when 2 then 'Pacific/Auckland' else 'Europe/London' end,
            draw('email', i, 9) <> 0, draw('sms', i, 3) <> 0, draw('push', i, 2) = 0,
            draw('phone', i, 3) <> 0, true
        from range({persons}) as r(i) where draw('unknown', i, 100) <> 0""",
    """insert into consent.con_permits
        select 'p_' || i, purpose, channel,
            case when drawn < 2 then 'deny' else 'permit' end,
            case drawn when 0 then 'withdrawn' when 1 then 'no_consent' else 'consent' end,
            'consent', case when drawn <> 1 then 'e_' || i end
        from (
            select i, purpose, channel, draw('permit' || purpose || channel, i, 9) as drawn
            from range({persons}) as r(i)
            cross join unnest(['renewal', 'onboarding', 'claims_service', 'service_recovery',
                'marketing', 'profiling']) as p(purpose)
            cross join unnest(['email', 'sms', 'push', 'phone', 'post']) as c(channel)
        )""",
    "insert into consent.con_watermark values (4711, timestamptz '2026-11-20 11:00:00+00')",
    """insert into activation.release_node values
        ('r_before', 'cross_sell_home', 'audience', 'cross_sell_home', 72),
        ('r_before', 'renewal_reminder_day_90', 'action', 'renewal_reminder_day_90', 72)""",
    f"""insert into activation.decision_log by name
        select 'd_past' || i as decision_id,
            'p_' || case when draw('node', i, 5) = 1
                then draw('account', draw('subject', i, {{persons}}), {{persons}})
                else draw('past', i, {{persons}}) end as person_id,
            case draw('node', i, 5) when 0 then 'renewal_reminder_day_90'
                when 1 then 'onboarding_nudge_stalled' when 2 then 'claim_update_day_3'
                when 3 then 'cross_sell_home' else 'service_recovery_after_negative' end as node,
            case draw('node', i, 5) when 0 then 'POL' when 1 then 'A' when 2 then 'C'
                when 3 then 'p_' else 'T' end || draw('subject', i, {{persons}}) as subject_id,
            {_AS_OF} - to_hours(24 * draw('ago', i, 21)) as as_of,
            case when draw('outcome', i, 3) = 0 then 'withhold' else 'act' end as outcome,
            case draw('node', i, 5) when 0 then 'renewal' when 1 then 'onboarding'
                when 2 then 'claims_service' when 3 then 'marketing'
                else 'service_recovery' end as purpose,
            case when draw('via', i, 2) = 0 then 'email' else 'sms' end as channel,
            'r_before' as release, 1 as batch, i as seq,
            case draw('node', i, 5)
                when 0 then '["POL' || draw('subject', i, {{persons}}) || '","2027-02-'
                    || lpad(
                        cast(1 + draw('renews', draw('subject', i, {{persons}}), 28) as varchar),
                        2, '0'
                    ) || '"]'
                when 2 then '["C' || draw('subject', i, {{persons}}) || '"]' end as once_key
        from range({{persons}}) as r(i)""",
)


def create_bulk_world(
    connection: duckdb.DuckDBPyConnection,
    persons: int,
    seed: int,
    *,
    permits: bool = True,
    subjects: int | None = None,
) -> None:
    """Fill a world with `persons` persons, as many subjects of each kind, and a history.

    Without `permits`, consent is left to a ledger. `subjects` says how many policies, claims,
    accounts and tickets there are, if not one of each for every person.
    """
    counts = {"persons": persons, "subjects": persons if subjects is None else subjects}
    create_world(connection)
    connection.execute(_DRAW.format(seed=f"'{seed}:'"))
    for statement in _STATEMENTS:
        if not permits and "con_permits" in statement:
            continue
        connection.execute(statement.format(**counts))
    connection.execute("analyze")
