"""Great Expectations on DuckDB, as SQL in the warehouse that the run has open.

GX 1.24 returns a cursor after its connection has closed, which empties every metric on DuckDB
(great_expectations #10738, #11579). Keeping one connection per engine mends it; rolling back after
an error keeps one broken rule from poisoning the next.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import duckdb
import duckdb_engine
from great_expectations.data_context import AbstractDataContext
from great_expectations.datasource.fluent.sql_datasource import SQLDatasource
from great_expectations.execution_engine.sqlalchemy_execution_engine import (
    SqlAlchemyExecutionEngine,
)
from sqlalchemy.pool import StaticPool


class DuckDBExecutionEngine(SqlAlchemyExecutionEngine):
    _connection: Any

    @contextmanager
    def get_connection(self) -> Iterator[Any]:
        if self._connection is None or self._connection.closed:
            self._connection = self.engine.connect()
        try:
            yield self._connection
        except Exception:
            self._connection.rollback()
            raise


class DuckDBDatasource(SQLDatasource):
    type: Literal["duckdb"] = "duckdb"

    @property
    def execution_engine_type(self) -> Any:
        return DuckDBExecutionEngine


def add_duckdb_source(
    context: AbstractDataContext, connection: duckdb.DuckDBPyConnection, schemas: list[str]
) -> DuckDBDatasource:
    """A GX data source over a cursor of an open connection.

    `schemas` becomes the search path: GX drops the schema from some of its metric queries, and our
    table names are unique across schemas because their prefix is the schema's.
    """

    def cursor() -> Any:
        scoped = connection.cursor()
        scoped.execute("set timezone = 'UTC'")
        scoped.execute(f"set search_path = '{','.join(schemas)}'")
        return duckdb_engine.ConnectionWrapper(scoped)

    source: DuckDBDatasource = context.data_sources.add_duckdb(
        name="warehouse",
        connection_string="duckdb:///:memory:",
        kwargs={"creator": cursor, "poolclass": StaticPool},
    )
    return source
