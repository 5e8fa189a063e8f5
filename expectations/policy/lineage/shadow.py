"""The shadow catalog: the project's relations in an in-memory DuckDB, with types and no rows.

Roots are created from their declared types; each model from its own query, so DuckDB infers every
type downstream and refuses what does not bind. The connection can't reach files or the network, and
sees no Python variable.
"""

import json
import re
from collections.abc import Container, Iterable, Mapping
from types import TracebackType
from typing import Self

import duckdb

from expectations.policy.lineage.edges import OutputColumn, RelationLineage
from expectations.policy.lineage.faults import DoesNotBind, LineageError, UnsupportedConstruct
from expectations.policy.lineage.flow import Node
from expectations.policy.lineage.walker import walk

#: Column names and their types in DuckDB's notation, in order.
Types = Mapping[str, str]

# DuckDB's words for a statement that it can't give the plan of
_NOT_PLANNED = "not implemented"
# DuckDB replaces a session variable by its value, or by null, before there is a plan
_SESSION_VARIABLE = re.compile("getvariable", re.IGNORECASE)
_SETTINGS = (
    "set TimeZone = 'UTC'",
    "set threads = 1",
    "set python_enable_replacements = false",
    "set autoinstall_known_extensions = false",
    "set autoload_known_extensions = false",
    "set enable_external_access = false",
    "set lock_configuration = true",
)


class ShadowCatalog:
    """An empty copy of the databases named in `databases`; use as a context manager.

    Relations are named as in SQL, in three parts. The first database is where a name with two parts
    is looked up.
    """

    def __init__(self, databases: Iterable[str]) -> None:
        self._connection = duckdb.connect(":memory:")
        names = list(dict.fromkeys(databases))
        for name in names:
            self._connection.execute(f"attach ':memory:' as {quoted(name)}")
        if names:
            self._connection.execute(f"use {quoted(names[0])}")
        for setting in _SETTINGS:
            self._connection.execute(setting)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self._connection.close()

    def create(self, database: str, schema: str, table: str, columns: Types) -> None:
        """Create a relation from its types. Raises DoesNotBind for a type that doesn't exist."""
        if not columns:
            raise DoesNotBind("declares no columns")
        definition = ", ".join(f"{quoted(name)} {kind}" for name, kind in columns.items())
        name = ".".join(map(quoted, (database, schema, table)))
        try:
            self._connection.execute(
                f"create schema if not exists {quoted(database)}.{quoted(schema)}"
            )
            self._connection.execute(f"create or replace table {name} ({definition})")
        except duckdb.Error as error:
            raise DoesNotBind(_first_line(error)) from None

    def types(self, sql: str) -> dict[str, str]:
        """The columns of a query's result as a table made from it would have them.

        Raises DoesNotBind with DuckDB's message.
        """
        try:
            # as a derived table, columns of the same name are told apart as in a created table
            result = self._connection.execute(f"select * from (\n{sql}\n) limit 0")
            return {name: str(kind) for name, kind, *_ in result.description or ()}
        except duckdb.Error as error:
            raise DoesNotBind(_first_line(error)) from None

    def plan(self, sql: str) -> Node:
        """The bound plan of one SELECT, not optimised, as DuckDB's JSON.

        Raises DoesNotBind, and UnsupportedConstruct for a statement that isn't one SELECT.
        """
        if _SESSION_VARIABLE.search(sql):
            raise UnsupportedConstruct("getvariable: a session variable has no lineage")
        try:
            # As a literal: a bound value makes DuckDB import pandas, 0.9 of a check's 2.5 CPU s.
            query = _literal(sql)
            row = self._connection.execute(
                f"select json_serialize_plan({query}, skip_null := true, skip_empty := true)"
            ).fetchone()
            answer = json.loads(row[0]) if row else {}
        except duckdb.Error as error:
            raise DoesNotBind(_first_line(error)) from None
        except RecursionError:
            raise UnsupportedConstruct("the query is nested too deeply to be followed") from None
        if answer.get("error"):
            fault = UnsupportedConstruct if answer["error_type"] == _NOT_PLANNED else DoesNotBind
            raise fault(str(answer["error_message"]).splitlines()[0])
        plans = answer["plans"]
        if len(plans) != 1:
            raise UnsupportedConstruct(f"{len(plans)} statements instead of one")
        plan: Node = plans[0]
        return plan

    def lineage(self, sql: str, arranged: Container[tuple[str, str]] = ()) -> RelationLineage:
        """The lineage of a query. `arranged` are the relations that a query made.

        Raises DoesNotBind and UnsupportedConstruct.
        """
        stream, relations = walk(self.plan(sql), arranged)
        types = self.types(sql)
        if len(types) != len(stream.columns):
            raise LineageError(
                f"the plan has {len(stream.columns)} columns and the result {len(types)}"
            )
        columns = tuple(
            OutputColumn(name.lower(), kind, flow.value, flow.selection, flow.functions)
            for (name, kind), flow in zip(types.items(), stream.columns, strict=True)
        )
        return RelationLineage(columns, stream.rows, relations)


def quoted(name: str) -> str:
    """The name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def _literal(text: str) -> str:
    """The text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def _first_line(error: duckdb.Error) -> str:
    return str(error).splitlines()[0]
