"""The tables of schema `activation` that decisions read and write in the warehouse.

decision_log: one row per decision, a copy of the log's rows without the context; rows of erased
persons have no decision_id, person_id, subject_id, evidence, once_key and bucket. release_node: one
row per release and node, what a log row needs to become an action. action: one row per act of a
node that sends or does something. audience: one row per audience and member. person_successor: one
row per person id that was merged away, with the person it stands for today: a merged person's acts
count, the log's rows stay as they are. Times are UTC.
"""

import duckdb
import pyarrow as pa

from activation.release.release import Release

_TABLES = (
    """create table if not exists activation.decision_log (
        decision_id varchar,
        person_id varchar,
        node varchar not null,
        journey varchar,
        subject_id varchar,
        as_of timestamptz not null,
        outcome varchar not null,
        reason varchar,
        action varchar,
        channel varchar,
        purpose varchar,
        lawful_basis varchar,
        evidence varchar,
        watermark bigint,
        policies varchar,
        once_key varchar,
        gate_mask integer,
        arm varchar,
        bucket integer,
        release varchar not null,
        batch bigint,
        seq bigint,
        commitment varchar
    )""",
    """create table if not exists activation.release_node (
        release varchar not null,
        node varchar not null,
        kind varchar not null,
        template varchar not null,
        valid_hours integer not null
    )""",
    """create table if not exists activation.action (
        decision_id varchar not null,
        person_id varchar not null,
        node varchar not null,
        action varchar,
        channel varchar,
        purpose varchar,
        lawful_basis varchar,
        subject_id varchar,
        template varchar not null,
        release varchar not null,
        decided_as_of timestamptz not null,
        send_after timestamptz not null,
        valid_until timestamptz not null
    )""",
    """create table if not exists activation.audience (
        audience varchar not null,
        person_id varchar not null,
        since timestamptz not null
    )""",
    """create table if not exists activation.person_successor (
        former_person_id varchar not null,
        person_id varchar not null
    )""",
)


def ensure_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the schema and its tables where they are missing."""
    connection.execute("create schema if not exists activation")
    for statement in _TABLES:
        connection.execute(statement)


def record_release(connection: duckdb.DuckDBPyConnection, release: Release) -> None:
    """Write a release's nodes into activation.release_node, once.

    `decide` does so for its own release. After the warehouse was deleted, call it for every
    release of the store that the log names.
    """
    ensure_tables(connection)
    nodes = [
        {
            "release": release.id,
            "node": node["id"],
            "kind": node["kind"],
            "template": node["action"]["template"],
            "valid_hours": node["action"]["valid_hours"],
        }
        for node in release.manifest["journeys"].values()
    ]
    if not nodes:
        return
    # One statement: a run killed between two nodes left the others out for good.
    connection.register("assent_release_node", pa.Table.from_pylist(nodes))
    try:
        connection.execute(
            "insert into activation.release_node by name "
            "select n.* from assent_release_node as n "
            "anti join activation.release_node as r on r.release = n.release and r.node = n.node"
        )
    finally:
        connection.unregister("assent_release_node")


def replace_successors(connection: duckdb.DuckDBPyConnection, successors: pa.Table) -> None:
    """Write activation.person_successor anew: former_person_id, person_id (activation.store)."""
    ensure_tables(connection)
    connection.register("assent_successor", successors)
    try:
        connection.execute("begin")
        connection.execute("delete from activation.person_successor")
        connection.execute(
            "insert into activation.person_successor by name select * from assent_successor"
        )
        connection.execute("commit")
    finally:
        connection.unregister("assent_successor")


def append_decisions(connection: duckdb.DuckDBPyConnection, rows: pa.Table) -> int:
    """Copy sealed rows of the log into activation.decision_log; returns how many were new.

    `rows` has the table's columns by name (a context column, if any, is left out). Rows whose
    decision_id is there already are skipped, so that copying twice changes nothing.
    """
    ensure_tables(connection)
    kept = rows.drop_columns([name for name in ("context",) if name in rows.column_names])
    connection.register("assent_sealed_row", kept)
    try:
        result = connection.execute(
            "insert into activation.decision_log by name "
            "select * from assent_sealed_row as s where decision_id is not null and not exists ("
            "select 1 from activation.decision_log as l where l.decision_id = s.decision_id) "
            "union all by name "
            "select * from assent_sealed_row as s where decision_id is null and not exists ("
            "select 1 from activation.decision_log as l where l.batch = s.batch and l.seq = s.seq)"
        ).fetchone()
    finally:
        connection.unregister("assent_sealed_row")
    return int(result[0]) if result else 0
