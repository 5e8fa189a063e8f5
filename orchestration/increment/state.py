"""What the last committed run knew, and how far the run of now has come.

Tables of the schema identity_state in the warehouse:
- run: one row; `stage` is building, records, persons or committed. `committed` is written after the
  store has the run's changes, as the last thing of all, so a run that died leaves another stage;
  and dbt turns it into `built by hand` where somebody else builds (macro of that name).
- record: one row per record (record_key, content), a hash of all that the models read of it.
- override: the overrides that stood.
- scope: the records that the run of now solves anew; empty in a full build.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from orchestration.dbt_runner import project_digest
from orchestration.warehouse import has_table, warehouse_transaction

_CODE = (Path(__file__).parent, Path(__file__).parents[1] / "matching")
BUILDING, RECORDS, PERSONS, COMMITTED = "building", "records", "persons", "committed"

# Made anew by every full build, so that a state of an older shape is no obstacle.
_TABLES = (
    "create schema if not exists identity_state",
    "create or replace table identity_state.record (record_key varchar, content ubigint)",
    "create or replace table identity_state.scope (record_key varchar)",
    "create or replace table identity_state.override as from store.identity_override limit 0",
    "create or replace table identity_state.run "
    "(digest varchar, stage varchar, as_of timestamptz, is_increment boolean, replaced bigint)",
)
# What the models of the last run say must be what the store holds: an erasure edits the store.
_AS_COMMITTED = """
select
    (select count(*) from store.identity_map) = (select count(*) from identity.id_records)
    and (select (count(*), bit_xor(hash(change_id))) from store.identity_change)
    is not distinct from (select (count(*), bit_xor(hash(change_id))) from identity.id_changes)
    and (select replaced from identity_state.run) <= (select count(*) from identity_state.record)
"""


@dataclass(frozen=True)
class Stage:
    """How far the run of a clock has come, and whether it is an increment."""

    stage: str
    as_of: datetime
    is_increment: bool


def digest_of(project_dir: Path, key_id: str) -> str:
    """What the tables follow from besides data: the project's files, the code of increments and of
    scores, the key of keyed hashes, and DuckDB's version, whose hash may differ from the next
    one's."""
    given = f"{duckdb.__version__}|{key_id}|{project_digest(project_dir)}"
    digest = hashlib.sha256(given.encode())
    for folder in _CODE:
        for path in sorted(folder.glob("*.py")):
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def can_increment(connection: duckdb.DuckDBPyConnection, digest: str) -> bool:
    """Whether the last run was committed, under the same rules, and the store is as it left it.

    Replaced rows leave room in the file, which costs space and time; when as many were replaced as
    there are, a full build is due.
    """
    if not has_table(connection, "identity_state", "run"):
        return False
    row = connection.execute("select digest, stage from identity_state.run").fetchone()
    # Nothing else is read of a state that other code wrote.
    if row != (digest, COMMITTED):
        return False
    (good,) = connection.execute(_AS_COMMITTED).fetchone() or (False,)
    return bool(good)


def begin(connection: duckdb.DuckDBPyConnection, digest: str, as_of: datetime) -> None:
    """Mark a full build as begun: whatever it changes, the next run does not build on it before it
    is committed."""
    with warehouse_transaction(connection):
        for statement in _TABLES:
            connection.execute(statement)
        connection.execute(
            "insert into identity_state.run values (?, ?, ?, false, 0)", [digest, BUILDING, as_of]
        )


def current(connection: duckdb.DuckDBPyConnection) -> Stage | None:
    """Where the run of now stands, or None before the first."""
    if not has_table(connection, "identity_state", "run"):
        return None
    row = connection.execute("select stage, as_of, is_increment from identity_state.run").fetchone()
    return Stage(*row) if row else None


def advance(
    connection: duckdb.DuckDBPyConnection, before: str, after: str, as_of: datetime | None = None
) -> None:
    """From one stage to the next, if a run (that of `as_of`) has reached the one before; a stage
    left out leaves the state uncommitted, and the next run builds in full."""
    if has_table(connection, "identity_state", "run"):
        connection.execute(
            "update identity_state.run set stage = $after "
            "where stage = $before and as_of = coalesce($as_of, as_of)",
            {"before": before, "after": after, "as_of": as_of},
        )


def forget(connection: duckdb.DuckDBPyConnection) -> None:
    """The tables are no longer what the last committed run left: the next run builds in full."""
    if has_table(connection, "identity_state", "run"):
        connection.execute("delete from identity_state.run")
