"""A warehouse in memory with a world's rows, full builds of it, scores and the store's commit."""

from collections.abc import Sequence

import duckdb
import pyarrow as pa

from orchestration.increment.models import DATABASE, Models
from orchestration.matching.proposals import propose
from orchestration.matching.scoring import Model
from tests.hash_key import HASH_KEY
from tests.orchestration.increment.world import STAGING, Row, World

STORE = {
    "identity_map": "record_key varchar, person_id varchar, since timestamptz",
    "identity_change": "change_id varchar, record_key varchar, old_person_id varchar, "
    "new_person_id varchar, cause varchar, changed_at timestamptz",
    "identity_override": "override_id varchar, kind varchar, rule varchar, key_hash varchar, "
    "record_key varchar, other_record_key varchar",
    "hash_key": "key varchar",
}


def created() -> duckdb.DuckDBPyConnection:
    """A warehouse in memory with empty staging and store."""
    connection = duckdb.connect(config={"memory_limit": "1GB", "threads": 1})
    connection.execute("set timezone = 'UTC'")
    for schema, tables in (("staging", STAGING), ("store", STORE)):
        connection.execute(f"create schema {schema}")
        for table, columns in tables.items():
            connection.execute(f"create table {schema}.{table} ({columns})")
    connection.execute("insert into store.hash_key values (?)", [HASH_KEY.text])
    connection.execute("create schema identity")
    return connection


def land(connection: duckdb.DuckDBPyConnection, world: World) -> None:
    """Write the world's staging rows and overrides."""
    for table in STAGING:
        _fill(connection, f"staging.{table}", STAGING[table], list(world.rows[table].values()))
    _fill(connection, "store.identity_override", STORE["identity_override"], world.overrides)


def _fill(
    connection: duckdb.DuckDBPyConnection, table: str, columns: str, rows: Sequence[Row]
) -> None:
    connection.execute(f"delete from {table}")
    names = [column.split()[0] for column in columns.split(", ")]
    if rows:
        filled = pa.table({name: [row.get(name) for row in rows] for name in names})
        connection.register("incoming", filled)
        connection.execute(f"insert into {table} by name from incoming")
        connection.unregister("incoming")


def build_whole(
    connection: duckdb.DuckDBPyConnection, models: Models, names: Sequence[str]
) -> None:
    """Build models from all records, as dbt does, each from tables in the warehouse."""
    connection.execute(f"attach ':memory:' as {DATABASE}")
    for schema, table in connection.execute(
        "select schema_name, table_name from duckdb_tables() "
        "where database_name = 'memory' and schema_name <> 'identity_state'"
    ).fetchall():
        connection.execute(f"create schema if not exists {DATABASE}.{schema}")
        connection.execute(f"create table {DATABASE}.{schema}.{table} as from {schema}.{table}")
    connection.execute(f"create schema if not exists {DATABASE}.identity")
    for name in ordered(models, names):
        models.build(connection, name)
        connection.execute(
            f"create or replace table identity.{name} as from {DATABASE}.identity.{name}"
        )
    connection.execute(f"detach {DATABASE}")


def ordered(models: Models, names: Sequence[str]) -> list[str]:
    """Parents before children."""
    done: list[str] = []
    while len(done) < len(names):
        done += [
            name
            for name in sorted(set(names) - set(done))
            if not (models.by_name[name].parents & set(names)) - set(done)
        ]
    return done


def match(connection: duckdb.DuckDBPyConnection, world: World, model: Model) -> None:
    """The scores of the world, and the proposals that the real step makes of them."""
    connection.register("incoming", world.scores())
    connection.execute("create or replace table identity.id_scores as from incoming")
    connection.unregister("incoming")
    proposals = propose(connection, model)
    connection.register("incoming", proposals)
    connection.execute("create or replace table identity.id_proposals as from incoming")
    connection.unregister("incoming")


def commit(connection: duckdb.DuckDBPyConnection) -> None:
    """The run's changes into the store, and the map that follows, all or nothing."""
    connection.begin()
    try:
        for statement in _COMMITTING:
            connection.execute(statement)
        connection.commit()
    except BaseException:
        connection.rollback()
        raise


_COMMITTING = (
    "insert into store.identity_change by name select * from identity.id_changes "
    "where change_id not in (select change_id from store.identity_change)",
    "create or replace temp table moved_at as select record_key, max(changed_at) as since "
    "from store.identity_change group by record_key",
    "delete from store.identity_map",
    "insert into store.identity_map select record_key, person_id, since "
    "from identity.id_records inner join moved_at using (record_key)",
)
