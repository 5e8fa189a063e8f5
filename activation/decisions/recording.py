"""What a run of decisions read, as tables small enough to keep: the inputs of a batch for replay.

A candidate's decision depends on its own context row, its person's address book and permits, its
approvals, and the acts of the past, which the log itself holds. So only the rows of candidates are
kept: whoever is none changes no decision of the same release. Another release may ask for other
people: for that, record with `whole`.
"""

from collections.abc import Collection
from datetime import datetime

import duckdb
import pyarrow as pa

from activation.decisions.bundle import KEYS, Context, read_contexts
from activation.decisions.deciding import APPROVAL_SCHEMA
from activation.decisions.literals import instant_text, name, values
from activation.journeys.loading import JourneySet
from activation.journeys.names import Channel
from activation.log.inputs import Inputs
from activation.release.release import Release

FORMAT = "assent-inputs-1"
_CANDIDATE = "assent_candidate"
_ASKED = "assent_asked"
_APPROVAL = "assent_approval_given"
_PERSON = ("person_id", "residency", "timezone", *(f"reachable_{one}" for one in Channel))
_PERMIT = ("person_id", "purpose", "channel", "verdict", "reason", "basis", "evidence")


def record_inputs(
    connection: duckdb.DuckDBPyConnection,
    *,
    journeys: JourneySet,
    release: Release,
    as_of: datetime,
    approvals: pa.Table,
    decided: pa.Table,
    halted: Collection[str] = (),
    whole: bool = False,
) -> Inputs:
    """The inputs of `decided`, the rows of decide(), for DecisionLog.append.

    Call before the batch is copied into activation.decision_log: how far that reached is part of
    the inputs. `decided` must be all rows of decide(), also when a batch takes only some of them.
    `halted` names the nodes that were halted beside the release; nodes of the release that are not
    in `journeys` were refused their bundle and decided nothing. With `whole` the contexts, address
    books and permits are kept of everybody, which is what comparing releases needs.
    """
    connection.register(_CANDIDATE, decided.select(["person_id", "subject_id", "node"]))
    connection.register(_ASKED, _asked(journeys))
    connection.register(_APPROVAL, approvals.select(APPROVAL_SCHEMA.names))
    try:
        tables = {
            f"contexts.{context.table}": _query(connection, _context_sql(context, whole))
            for context in read_contexts(connection, journeys)
        }
        tables |= {key: _query(connection, sql) for key, sql in _state_sql(whole).items()}
        history = connection.execute(
            "select coalesce(max(batch), 0) from activation.decision_log"
        ).fetchone()
    finally:
        for view in (_CANDIDATE, _ASKED, _APPROVAL):
            connection.unregister(view)
    facts = {
        "format": FORMAT,
        "as_of": instant_text(as_of),
        "release": release.id,
        "digest": release.digest,
        "manifest": dict(release.manifest),
        "halted": sorted(halted),
        "refused": sorted(release.manifest["journeys"].keys() - {n.id for n in journeys.nodes}),
        "decided": len(decided),
        "history_through_batch": int(history[0]) if history else 0,
        "whole": whole,
    }
    return Inputs(facts, tables)


def _query(connection: duckdb.DuckDBPyConnection, sql: str) -> pa.Table:
    return connection.execute(sql).to_arrow_table()


def _asked(journeys: JourneySet) -> pa.Table:
    """The permits that each node asks for: one row per node, purpose and channel."""
    rows = [
        {"node": node.id, "purpose": node.purpose, "channel": str(channel)}
        for node in journeys.nodes
        for channel in node.action.channels
    ]
    columns = {key: pa.string() for key in ("node", "purpose", "channel")}
    return pa.Table.from_pylist(rows, pa.schema(columns))


def _context_sql(context: Context, whole: bool) -> str:
    columns = ", ".join(f"c.{name(column)}" for column in (*KEYS, *context.fields))
    source = f"select {columns} from contexts.{context.table} as c"
    if whole:
        return source
    nodes = values([node.id for node in context.nodes])
    return (
        f"{source} where exists (select 1 from {_CANDIDATE} as k where k.node in {nodes} "
        "and k.person_id = c.person_id and k.subject_id = c.subject_id)"
    )


def _state_sql(whole: bool) -> dict[str, str]:
    persons = f"select {', '.join(_PERSON)} from contexts.ctx_person as p"
    permits = f"select {', '.join(_PERMIT)} from consent.con_permits as p"
    if not whole:
        persons += f" where exists (select 1 from {_CANDIDATE} k where k.person_id = p.person_id)"
        permits += (
            f" where exists (select 1 from {_CANDIDATE} as k inner join {_ASKED} as a "
            "on a.node = k.node where k.person_id = p.person_id and a.purpose = p.purpose "
            "and a.channel = p.channel)"
        )
    return {
        "contexts.ctx_person": persons,
        "consent.con_permits": permits,
        "consent.con_watermark": "select max(seq) as seq from consent.con_watermark",
        "activation.release_node": "select * from activation.release_node",
        "activation.person_successor": "select * from activation.person_successor",
        "approvals": f"select a.* from {_APPROVAL} as a where exists ("
        f"select 1 from {_CANDIDATE} as k where k.node = a.node "
        "and k.subject_id = a.subject_id and k.person_id = a.person_id)",
    }
