"""Derive activation.action and activation.audience from activation.decision_log."""

from datetime import datetime

import duckdb

from activation.decisions.contract import DecisionError
from activation.decisions.literals import instant
from activation.decisions.tables import ensure_tables

_ACTIONS = """
    -- grain: one row per act of a node that sends or does something
    select
        l.decision_id,
        l.person_id,
        l.node,
        l.action,
        l.channel,
        l.purpose,
        l.lawful_basis,
        l.subject_id,
        r.template,
        l.release,
        l.as_of as decided_as_of,
        l.as_of as send_after,
        l.as_of + to_hours(r.valid_hours) as valid_until
    from activation.decision_log as l
    inner join activation.release_node as r on r.release = l.release and r.node = l.node
    where l.outcome = 'act' and r.kind = 'action' and l.person_id is not null
    order by l.as_of, l.decision_id
"""

# A membership is unbroken over runs that follow each other: run number minus the number of the
# member's own row is the same for all of them.
_AUDIENCES = """
    -- grain: one row per audience and member at the newest run
    with run as (
        select as_of, row_number() over (order by as_of) as run
        from (
            select as_of from activation.decision_log
            union
            select {newest} as as_of where {newest} is not null
        )
        where {newest} is null or as_of <= {newest}
    ),
    member as (
        select distinct l.node, l.person_id, run.as_of, run.run
        from activation.decision_log as l
        inner join activation.release_node as r on r.release = l.release and r.node = l.node
        inner join run on run.as_of = l.as_of
        where l.outcome = 'act' and r.kind = 'audience' and l.person_id is not null
            and ({newest} is null or l.as_of <> {newest} or l.release = {deciding})
    ),
    spell as (
        select
            *,
            run - row_number() over (partition by node, person_id order by run) as spell
        from member
    )
    select node as audience, person_id, min(as_of) as since
    from spell
    group by node, person_id, spell
    having max(run) = (select max(run) from run)
    order by audience, person_id
"""


def materialise(
    connection: duckdb.DuckDBPyConnection,
    *,
    as_of: datetime | None = None,
    deciding: str = "l.release",
) -> None:
    """Rebuild both tables from the log's copy; nothing else is read but activation.release_node.

    action: every act, valid from the decision for the node's valid_hours. audience: the acts of
    audience nodes in the newest run, and since when each membership is unbroken. The newest run is
    the one at `as_of`; without it, the newest instant in the log. Pass it after a run, so that a
    run without any candidate empties the audiences. `deciding` is SQL of the release that a row's
    person decided under in that run: what another release decided at the same instant, before it
    was rolled back, makes nobody a member.

    Raises DecisionError when the log names a release that release_node does not know.
    """
    ensure_tables(connection)
    unknown = connection.execute(
        "select distinct release from activation.decision_log as l where not exists ("
        "select 1 from activation.release_node as r where r.release = l.release) order by release"
    ).fetchall()
    if unknown:
        raise DecisionError(
            f"release {unknown[0][0]} of the decision log is not in activation.release_node. "
            "Fix: call record_release for each release of the store first."
        )
    connection.execute("delete from activation.action")
    connection.execute(f"insert into activation.action by name {_ACTIONS}")
    connection.execute("delete from activation.audience")
    audiences = _AUDIENCES.format(newest=instant(as_of), deciding=deciding)
    connection.execute(f"insert into activation.audience by name {audiences}")
