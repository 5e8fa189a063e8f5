"""Rows that three forms decide, compared as tables: for more of them than lists can hold."""

from dataclasses import dataclass
from pathlib import Path
from random import Random

import duckdb
import pyarrow as pa

from activation.decisions import decide
from activation.decisions.bundle import read_contexts
from activation.decisions.contract import SCHEMA
from activation.decisions.deciding import APPROVAL_SCHEMA, checked, run_compiled
from activation.decisions.reference import decide_in_python
from activation.decisions.terms import terms
from activation.decisions.window import compile_window
from activation.journeys import JourneySet, load
from tests.activation.decisions.bulk import create_bulk_world
from tests.activation.decisions.random_rules import random_rules
from tests.activation.decisions.variants import release_of
from tests.activation.decisions.worlds import AS_OF, read_world

SAMPLE = load(Path(__file__).parents[3] / "activation" / "journeys")


@dataclass(frozen=True)
class Agreement:
    """How many rows a world gave, and how many of another form are not among the mask form's, or
    the other way round."""

    rows: int
    window: int
    python: int
    reasons: frozenset[str]


def drawn_world(seed: int, persons: int, folder: Path) -> Agreement:
    """Draw rules, persons, history and approvals from a seed, and decide them by all forms."""
    journeys = random_rules(SAMPLE, seed)
    draw = Random(seed)
    settings = {"threads": 2, "memory_limit": "3GB", "temp_directory": str(folder)}
    with duckdb.connect(config=settings) as connection:
        subjects = persons * draw.choice([50, 100, 150]) // 100
        create_bulk_world(connection, persons, seed, subjects=subjects)
        approvals = _approvals(draw, journeys, subjects)
        return decided_alike(connection, journeys, approvals)


def _approvals(draw: Random, journeys: JourneySet, subjects: int) -> pa.Table:
    """Verdicts on some candidates, as far as a guess meets one."""
    asking = [node for node in journeys.nodes if node.needs_approval and "ticket" in node.context]
    rows = [
        {"node": node.id, "subject_id": f"T{subject}", "person_id": None}
        for node in asking
        for subject in draw.sample(range(subjects), subjects // 3)
    ]
    return pa.Table.from_pylist(rows, APPROVAL_SCHEMA)


def decided_alike(
    connection: duckdb.DuckDBPyConnection, journeys: JourneySet, approvals: pa.Table
) -> Agreement:
    """Decide what is in the connection by all forms and count the rows that differ."""
    release = release_of("r_now")
    approvals = _with_persons(connection, approvals)
    mask = decide(connection, journeys=journeys, release=release, as_of=AS_OF, approvals=approvals)
    at, contexts = terms(journeys, release.id, AS_OF), read_contexts(connection, journeys)
    window = checked(run_compiled(connection, compile_window(at, contexts), approvals))
    given = {
        (row["node"], row["subject_id"], row["person_id"]): row["verdict"]
        for row in approvals.to_pylist()
    }
    world = read_world(connection, contexts, given)
    python = pa.Table.from_pylist(decide_in_python(at, world), SCHEMA)
    return Agreement(
        rows=len(mask),
        window=differing(mask, window),
        python=differing(mask, python),
        reasons=frozenset(mask["reason"].unique().to_pylist()),
    )


def _with_persons(connection: duckdb.DuckDBPyConnection, approvals: pa.Table) -> pa.Table:
    """The approvals with the person of each ticket, every other one of them granted."""
    connection.register("given", approvals)
    try:
        return (
            connection.execute(
                "select g.node, g.subject_id, t.person_id, case when cast(substr(g.subject_id, 2) "
                "as integer) % 2 = 0 then 'granted' else 'refused' end as verdict "
                "from given as g inner join contexts.ctx_ticket as t using (subject_id)"
            )
            .to_arrow_table()
            .cast(APPROVAL_SCHEMA)
        )
    finally:
        connection.unregister("given")


def differing(left: pa.Table, right: pa.Table) -> int:
    """How many rows stand in one of the tables only, in either order, duplicates counted."""
    with duckdb.connect() as connection:
        connection.register("one", left)
        connection.register("other", right)
        [(count,)] = connection.execute(
            "select (select count(*) from (from one except all from other)) "
            "+ (select count(*) from (from other except all from one))"
        ).fetchall()
    return int(count)
