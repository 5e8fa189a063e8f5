"""Decide one run: candidates of every node, through every gate, in one compiled statement."""

from collections.abc import Set
from datetime import datetime

import duckdb
import pyarrow as pa

from activation.decisions.bundle import read_contexts
from activation.decisions.contract import SCHEMA, DecisionError
from activation.decisions.mask import compile_mask
from activation.decisions.mask_state import APPROVALS
from activation.decisions.tables import ensure_tables, record_release
from activation.decisions.terms import terms
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
    return run_compiled(connection, sql, approvals)


def run_compiled(
    connection: duckdb.DuckDBPyConnection, sql: str, approvals: pa.Table | None = None
) -> pa.Table:
    """Run a compiled form and check the grain of its rows."""
    given = approvals if approvals is not None else APPROVAL_SCHEMA.empty_table()
    connection.register(APPROVALS, given.select(APPROVAL_SCHEMA.names))
    try:
        rows = connection.execute(sql).to_arrow_table().cast(SCHEMA)
    finally:
        connection.unregister(APPROVALS)
    ids = rows.column("decision_id")
    if len(ids.unique()) != len(ids):
        raise DecisionError(
            "two rows for one person, subject and node. Fix: make person_id and subject_id unique "
            "in each context, person_id in ctx_person, and person_id, purpose and channel in "
            "con_permits."
        )
    return rows
