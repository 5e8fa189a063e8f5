"""Worlds for decision tests: the tables that a decision reads, filled by the test."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import duckdb

from activation.decisions.bundle import Context
from activation.decisions.reference import World
from activation.decisions.tables import ensure_tables

AS_OF = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
CHANNELS = ("email", "sms", "push", "phone", "post")

_KEYS = "person_id varchar, subject_id varchar, assurance varchar, source_at timestamptz"
DDL = {
    "contexts.ctx_policy": f"{_KEYS}, policy_number varchar, product_line varchar, status varchar, "
    "renews_on date, days_to_renewal integer",
    "contexts.ctx_claim": f"{_KEYS}, claim_number varchar, product_line varchar, status varchar, "
    "days_open integer",
    "contexts.ctx_account": f"{_KEYS}, account_id varchar, milestones_reached integer, "
    "next_milestone varchar, days_since_last_milestone integer, account_age_days integer",
    "contexts.ctx_ticket": f"{_KEYS}, ticket_id varchar, topic varchar, severity varchar, "
    "score integer, hours_since_answer decimal(18, 6)",
    "contexts.ctx_customer": f"{_KEYS}, has_active_motor boolean, has_active_home boolean",
    "contexts.ctx_person": "person_id varchar, residency varchar, timezone varchar, "
    + ", ".join(f"reachable_{channel} boolean" for channel in CHANNELS),
    "consent.con_permits": "person_id varchar, purpose varchar, channel varchar, verdict varchar, "
    "reason varchar, basis varchar, evidence varchar",
    "consent.con_watermark": "seq bigint, recorded_at timestamptz",
}


def create_world(connection: duckdb.DuckDBPyConnection) -> None:
    """Create every table a decision reads, empty: no column but those the gates need."""
    connection.execute("create schema contexts")
    connection.execute("create schema consent")
    for table, columns in DDL.items():
        connection.execute(f"create table {table} ({columns})")
    ensure_tables(connection)


def insert(
    connection: duckdb.DuckDBPyConnection, table: str, rows: Sequence[Mapping[str, Any]]
) -> None:
    """Insert rows by column name; columns not given are null."""
    for row in rows:
        names = ", ".join(row)
        marks = ", ".join("?" for _ in row)
        connection.execute(f"insert into {table} ({names}) values ({marks})", list(row.values()))


def person(person_id: str, **changes: Any) -> dict[str, Any]:
    """A person in London who can be reached through every channel."""
    reachable = {f"reachable_{channel}": True for channel in CHANNELS}
    base = {"person_id": person_id, "residency": "uk", "timezone": "Europe/London", **reachable}
    return base | changes


def policy(person_id: str, subject_id: str, **changes: Any) -> dict[str, Any]:
    """An active motor policy eighty days before its renewal."""
    return {
        "person_id": person_id,
        "subject_id": subject_id,
        "assurance": "A",
        "source_at": AS_OF,
        "policy_number": subject_id,
        "product_line": "motor",
        "status": "active",
        "renews_on": datetime(2027, 2, 8).date(),  # noqa: DTZ001
        "days_to_renewal": 80,
    } | changes


def claim(person_id: str, subject_id: str, **changes: Any) -> dict[str, Any]:
    """A claim that has been open for four days."""
    return {
        "person_id": person_id,
        "subject_id": subject_id,
        "assurance": "A",
        "source_at": AS_OF,
        "claim_number": subject_id,
        "product_line": "motor",
        "status": "open",
        "days_open": 4,
    } | changes


def account(person_id: str, subject_id: str, **changes: Any) -> dict[str, Any]:
    """An account that stalled at its second milestone ten days ago."""
    return {
        "person_id": person_id,
        "subject_id": subject_id,
        "assurance": "A",
        "source_at": AS_OF,
        "account_id": subject_id,
        "milestones_reached": 2,
        "next_milestone": "added_policy",
        "days_since_last_milestone": 10,
        "account_age_days": 20,
    } | changes


def permit(person_id: str, purpose: str, channel: str, **changes: Any) -> dict[str, Any]:
    """A permit by contract."""
    return {
        "person_id": person_id,
        "purpose": purpose,
        "channel": channel,
        "verdict": "permit",
        "reason": "contract",
        "basis": "contract",
        "evidence": None,
    } | changes


def past_act(person_id: str, node: str, subject_id: str, **changes: Any) -> dict[str, Any]:
    """A row of decision_log for something that was done before."""
    return {
        "decision_id": f"d_{node}_{subject_id}_{person_id}",
        "person_id": person_id,
        "node": node,
        "subject_id": subject_id,
        "as_of": AS_OF,
        "outcome": "act",
        "reason": "selected",
        "purpose": "renewal",
        "channel": "email",
        "release": "r_before",
        "batch": 1,
        "seq": 0,
    } | changes


def read_world(
    connection: duckdb.DuckDBPyConnection,
    contexts: tuple[Context, ...],
    approvals: Mapping[tuple[str, str, str], str] | None = None,
) -> World:
    """The same tables as rows, for the plain Python form."""
    watermark = _rows(connection, "select max(seq) as seq from consent.con_watermark")
    return World(
        contexts={
            context.table: _rows(
                connection,
                "select person_id, subject_id, assurance, source_at, "
                + ", ".join(context.fields)
                + f" from contexts.{context.table}",
            )
            for context in contexts
        },
        persons={
            row["person_id"]: row for row in _rows(connection, "select * from contexts.ctx_person")
        },
        permits={
            (row["person_id"], row["purpose"], row["channel"]): row
            for row in _rows(connection, "select * from consent.con_permits")
        },
        watermark=watermark[0]["seq"],
        log=_rows(
            connection,
            "select l.* replace (coalesce(s.person_id, l.person_id) as person_id) "
            "from activation.decision_log as l left join activation.person_successor as s "
            "on s.former_person_id = l.person_id",
        ),
        kinds={
            (row["release"], row["node"]): row["kind"]
            for row in _rows(connection, "select * from activation.release_node")
        },
        approvals=approvals or {},
    )


def _rows(connection: duckdb.DuckDBPyConnection, sql: str) -> list[dict[str, Any]]:
    return [dict(row) for row in connection.execute(sql).to_arrow_table().to_pylist()]
