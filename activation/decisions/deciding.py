"""Decide one run: candidates of every node, through every gate, in one compiled statement."""

from collections.abc import Iterator, Set
from contextlib import contextmanager
from datetime import datetime

import duckdb
import pyarrow as pa

from activation.decisions.bundle import read_contexts
from activation.decisions.contract import SCHEMA, DecisionError
from activation.decisions.literals import text
from activation.decisions.mask import compile_mask
from activation.decisions.mask_state import APPROVALS
from activation.decisions.tables import ensure_tables, record_release
from activation.decisions.terms import Terms, terms
from activation.journeys.loading import JourneySet
from activation.release.release import Release

APPROVAL_SCHEMA = pa.schema(
    [(name, pa.string()) for name in ("node", "subject_id", "person_id", "verdict")]
)


def decide(
    connection: duckdb.DuckDBPyConnection,
    *,
    journeys: JourneySet,
    release: Release,
    as_of: datetime,
    approvals: pa.Table | None = None,
    halted: Set[str] = frozenset(),
) -> pa.Table:
    """The new decisions at `as_of`: one row per candidate, columns of contract.SCHEMA.

    Reads contexts.*, consent.con_permits, consent.con_watermark and, as history, the acts of
    activation.decision_log (created if missing). What the log has decided already for the same
    instant and release is left out, so that a second run decides nothing twice. `approvals` holds
    the current verdict (granted or refused) per node, subject_id and person_id; `halted` the nodes
    that an operator stopped.

    Rows are ordered by node priority, node, subject_id, person_id. Raises DecisionError when a
    table is not what the journeys ask for, ValueError when `as_of` has no time zone.
    """
    ensure_tables(connection)
    record_release(connection, release)
    at = terms(journeys, release.id, as_of, halted)
    sql = compile_mask(at, read_contexts(connection, journeys))
    return checked(labelled(run_compiled(connection, sql, approvals), at))


def run_compiled(
    connection: duckdb.DuckDBPyConnection, sql: str, approvals: pa.Table | None = None
) -> pa.Table:
    """The rows that a compiled form gives."""
    given = approvals if approvals is not None else APPROVAL_SCHEMA.empty_table()
    connection.register(APPROVALS, given.select(APPROVAL_SCHEMA.names))
    try:
        with _joins_as_written(connection):
            return connection.execute(sql).to_arrow_table()
    finally:
        connection.unregister(APPROVALS)


@contextmanager
def _joins_as_written(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Let each join build its hash table of the right side, which the forms write so.

    The optimizer knows no figures of what conditions select and took the wide candidates for the
    smaller side: that cost a fifth of the statement's CPU time.
    """
    [before] = connection.execute("select current_setting('disabled_optimizers')").fetchall()
    wanted = ",".join(filter(None, [str(before[0]), "build_side_probe_side"]))
    connection.execute(f"set disabled_optimizers = {text(wanted)}")
    try:
        yield
    finally:
        connection.execute(f"set disabled_optimizers = {text(str(before[0]))}")


def labelled(rows: pa.Table, at: Terms) -> pa.Table:
    """Rows of the mask form with what their nodes, the release and the instant say of each."""
    place = rows["node_index"]
    said = {
        "node": [part.node.id for part in at.nodes],
        "journey": [part.node.journey for part in at.nodes],
        "action": [part.node.action.name for part in at.nodes],
        "purpose": [part.node.purpose for part in at.nodes],
        "policies": [part.policies for part in at.nodes],
    }
    columns = {name: pa.array(texts, pa.string()).take(place) for name, texts in said.items()}
    columns["as_of"] = pa.repeat(pa.scalar(at.as_of, SCHEMA.field("as_of").type), len(rows))
    columns["release"] = pa.repeat(at.release, len(rows))
    return pa.Table.from_arrays(
        [columns[name] if name in columns else rows[name] for name in SCHEMA.names], SCHEMA.names
    )


def checked(rows: pa.Table) -> pa.Table:
    """The rows in their schema. Raises DecisionError when two are about the same candidate."""
    rows = rows.cast(SCHEMA)
    ids = rows.column("decision_id")
    if len(ids.unique()) != len(ids):
        raise DecisionError(
            "two rows for one person, subject and node. Fix: make person_id and subject_id unique "
            "in each context, person_id in ctx_person, and person_id, purpose and channel in "
            "con_permits."
        )
    return rows
