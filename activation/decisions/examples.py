"""Run the examples of the journeys through the real compiled SQL, each in a world of its own."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import duckdb
import pyarrow as pa

from activation.decisions.buckets import bucket, threshold
from activation.decisions.contract import DecisionError
from activation.decisions.deciding import APPROVAL_SCHEMA, decide
from activation.decisions.literals import name, text
from activation.decisions.tables import ensure_tables
from activation.journeys.example import Example
from activation.journeys.fields import EXAMPLE_TYPE
from activation.journeys.loading import JourneySet
from activation.journeys.names import Channel
from activation.journeys.node import Node
from activation.journeys.policies import Policies
from activation.release.release import Release

_DAY = datetime(2026, 11, 20, tzinfo=UTC)
_RELEASE = Release("r_examples", "", {"journeys": {}})
_SUBJECT = "example"
_PERSONS = 100_000


@dataclass(frozen=True)
class ExampleFailure:
    """One example that was decided otherwise than it says."""

    node: str
    example: str
    expected: str
    found: str


def run_examples(
    connection: duckdb.DuckDBPyConnection, journeys: JourneySet
) -> list[ExampleFailure]:
    """The examples that fail, in the order of the files; an empty list when all hold.

    `connection` is an in-memory database; its schemas contexts, consent and activation are made
    anew for each example.
    """
    failures = []
    for node in journeys.nodes:
        alone = JourneySet((node,), journeys.policies)
        for example in node.examples:
            found = _decide_example(connection, alone, node, example)
            expected = _expected(example, found)
            if found != expected:
                failures.append(ExampleFailure(node.id, example.name, str(expected), str(found)))
    return failures


def _expected(
    example: Example, found: tuple[str, str | None] | None
) -> tuple[str, str | None] | None:
    if not example.expect.candidate:
        return None
    reason = example.expect.reason or (found[0] if found else "a candidate")
    channel = example.expect.channel or (found[1] if found else None)
    return reason, channel


def _decide_example(
    connection: duckdb.DuckDBPyConnection, journeys: JourneySet, node: Node, example: Example
) -> tuple[str, str | None] | None:
    hours, minutes = map(int, example.state.local_time.split(":"))
    as_of = _DAY + timedelta(hours=hours, minutes=minutes)
    person = _person(node, journeys.policies, example.state.held_out)
    _create(connection, node)
    _fill(connection, node, example, person, as_of)
    approvals = APPROVAL_SCHEMA.empty_table()
    if example.state.approved:
        granted = {
            "node": node.id,
            "subject_id": _SUBJECT,
            "person_id": person,
            "verdict": "granted",
        }
        approvals = pa.Table.from_pylist([granted], APPROVAL_SCHEMA)
    rows = decide(
        connection, journeys=journeys, release=_RELEASE, as_of=as_of, approvals=approvals
    ).to_pylist()
    return (rows[0]["reason"], rows[0]["channel"]) if rows else None


def _person(node: Node, policies: Policies, held_out: bool) -> str:
    """The first person id whose buckets are as the example wants them."""
    universal = policies.universal_holdout
    applies = universal is not None and node.purpose in universal.purposes
    for number in range(_PERSONS):
        person = f"p_{number}"
        out = False
        if node.experiment:
            out = bucket(node.experiment.salt, person) < threshold(node.experiment.holdout_percent)
        if applies and universal:
            out = out or bucket(universal.salt, person) < threshold(universal.percent)
        if out == held_out or not (node.experiment or applies):
            return person
    raise DecisionError(f"{node.id}: no person is held out. Fix: drop held_out from the example.")


def _create(connection: duckdb.DuckDBPyConnection, node: Node) -> None:
    for schema in ("contexts", "consent", "activation"):
        connection.execute(f"drop schema if exists {schema} cascade")
        connection.execute(f"create schema {schema}")
    fields = "".join(f", {name(field)} {EXAMPLE_TYPE[kind]}" for field, kind in node.fields.items())
    reachable = "".join(f", reachable_{channel} boolean" for channel in Channel)
    for table, columns in {
        f"contexts.{node.context}": "person_id varchar, subject_id varchar, assurance varchar, "
        f"source_at timestamptz{fields}",
        "contexts.ctx_person": f"person_id varchar, residency varchar, timezone varchar{reachable}",
        "consent.con_permits": "person_id varchar, purpose varchar, channel varchar, "
        "verdict varchar, reason varchar, basis varchar, evidence varchar",
        "consent.con_watermark": "seq bigint, recorded_at timestamptz",
    }.items():
        connection.execute(f"create table {table} ({columns})")
    ensure_tables(connection)


def _fill(
    connection: duckdb.DuckDBPyConnection,
    node: Node,
    example: Example,
    person: str,
    as_of: datetime,
) -> None:
    state = example.state
    seen_at = as_of - timedelta(hours=state.context_age_hours)
    given = {
        "person_id": person,
        "subject_id": _SUBJECT,
        "assurance": str(state.assurance),
        "source_at": seen_at,
        **example.given,
    }
    reachable = {f"reachable_{channel}": channel in state.reachable for channel in Channel}
    home = {"person_id": person, "residency": str(state.residency), "timezone": "UTC"}
    _insert(connection, f"contexts.{node.context}", given)
    _insert(connection, "contexts.ctx_person", {**home, **reachable})
    for channel in Channel:
        permitted = channel in state.permitted
        permit = {
            "person_id": person,
            "purpose": node.purpose,
            "channel": str(channel),
            "verdict": "permit" if permitted else "deny",
            "reason": "consent" if permitted else state.refusal,
        }
        _insert(connection, "consent.con_permits", permit)
    if state.acted_days_ago is not None:
        _insert_past_act(connection, node, person, as_of, state.acted_days_ago)


def _insert_past_act(
    connection: duckdb.DuckDBPyConnection, node: Node, person: str, as_of: datetime, days: int
) -> None:
    dates = ", ".join(f"cast({name(field)} as varchar)" for field in node.limits.once_per[1:])
    key = f"json_array(subject_id{', ' if dates else ''}{dates})"
    connection.execute(
        f"""
        insert into activation.decision_log by name
        select
            'd_before' as decision_id, person_id, {text(node.id)} as node, subject_id,
            cast(? as timestamptz) as as_of, 'act' as outcome, {text(node.purpose)} as purpose,
            {text(node.action.channels[0])} as channel, 'r_before' as release,
            {f"cast({key} as varchar)" if node.limits.once_per else "null"} as once_key
        from contexts.{node.context}
        where person_id = ?
        """,
        [as_of - timedelta(days=days), person],
    )


def _insert(connection: duckdb.DuckDBPyConnection, table: str, row: Mapping[str, object]) -> None:
    columns = ", ".join(name(column) for column in row)
    marks = ", ".join("?" for _ in row)
    connection.execute(f"insert into {table} ({columns}) values ({marks})", list(row.values()))
