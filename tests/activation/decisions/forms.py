"""Decide the same world by all three forms and compare every column of every row."""

from collections.abc import Set
from datetime import datetime
from typing import Any

import duckdb
import pyarrow as pa

from activation.decisions import Release, decide
from activation.decisions.bundle import read_contexts
from activation.decisions.deciding import APPROVAL_SCHEMA, checked, run_compiled
from activation.decisions.reference import decide_in_python
from activation.decisions.terms import terms
from activation.decisions.window import compile_window
from activation.journeys import JourneySet
from tests.activation.decisions.worlds import read_world

Approvals = dict[tuple[str, str, str], str]


def decide_by_all_forms(
    connection: duckdb.DuckDBPyConnection,
    journeys: JourneySet,
    release: Release,
    as_of: datetime,
    approvals: Approvals | None = None,
    halted: Set[str] = frozenset(),
) -> list[dict[str, Any]]:
    """The rows of the mask form, after checking that the others give the same."""
    given = pa.Table.from_pylist(
        [
            {"node": node, "subject_id": subject, "person_id": person, "verdict": verdict}
            for (node, subject, person), verdict in (approvals or {}).items()
        ],
        APPROVAL_SCHEMA,
    )
    mask = decide(
        connection,
        journeys=journeys,
        release=release,
        as_of=as_of,
        approvals=given,
        halted=halted,
    )
    contexts = read_contexts(connection, journeys)
    at = terms(journeys, release.id, as_of, halted)
    window = checked(run_compiled(connection, compile_window(at, contexts), given))
    python = decide_in_python(at, read_world(connection, contexts, approvals))
    rows = mask.to_pylist()
    assert by_id(window.to_pylist()) == by_id(rows)
    assert by_id(python) == by_id(rows)
    return rows


def by_id(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows in the order of their ids."""
    return sorted(rows, key=lambda row: row["decision_id"])
