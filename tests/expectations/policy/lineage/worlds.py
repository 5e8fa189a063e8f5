"""Small databases that differ in one column: what a query's result depends on, seen from outside.

A world holds the given tables with random rows. For each column there is a copy in which that
column alone has other values. If a result differs between the two, it depends on the column; that
is the definition of interference (Goguen and Meseguer, 1982), and needs no look at the query.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

import duckdb

#: schema.table -> column -> type
Tables = Mapping[str, Mapping[str, str]]
#: An output column, and the source column that changes it.
Dependence = tuple[str, str]

ROWS = 24


@dataclass
class Observation:
    """What was seen of one query: its dependences and how many comparisons were made."""

    dependences: set[Dependence] = field(default_factory=set)
    checks: int = 0


#: A few rows a table, so nothing is spilled to a folder.
IN_MEMORY = {"threads": 1, "memory_limit": "1GB", "temp_directory": ""}


class Worlds:
    """One base database and a copy for each column of each table. Close it after use."""

    def __init__(self, tables: Tables, seed: int, rows: int = ROWS) -> None:
        self._tables = tables
        self._connection = duckdb.connect(config=IN_MEMORY)
        # statistics of one column must not change the plan, and with it the order of the rows
        self._connection.execute("set TimeZone = 'UTC'")
        self._build("base", seed, rows, None)
        self.columns: dict[str, str] = {}
        for table, columns in tables.items():
            for column in columns:
                name = f"world_{len(self.columns)}"
                self.columns[f"{table}.{column}"] = name
                self._build(name, seed, rows, (table, column))
        self._connection.execute("pragma disable_optimizer")

    def close(self) -> None:
        self._connection.close()

    def observe(self, sql: str, mentioned: Iterable[str]) -> Observation:
        """The dependences of a query's columns on the columns of the tables it mentions.

        A copy in which the query fails (a cast, a division) says nothing and is left out.
        """
        observation = Observation()
        base = self._result("base", sql)
        if base is None:
            return observation
        wanted = set(mentioned)
        for column, world in self.columns.items():
            if column.rsplit(".", 1)[0] not in wanted:
                continue
            changed = self._result(world, sql)
            if changed is None:
                continue
            for output, values in base.items():
                observation.checks += 1
                if values != changed[output]:
                    observation.dependences.add((output, column))
        return observation

    def _result(self, world: str, sql: str) -> dict[str, Counter[str]] | None:
        """For each output column the multiset of its values, as text."""
        self._connection.execute(f"use {world}.main")
        try:
            result = self._connection.execute(f"select * from (\n{sql}\n)")
            names = [one[0].lower() for one in result.description or ()]
            rows = result.fetchall()
        except duckdb.Error:
            return None
        return {name: Counter(repr(row[at]) for row in rows) for at, name in enumerate(names)}

    def _build(self, world: str, seed: int, rows: int, changed: tuple[str, str] | None) -> None:
        self._connection.execute(f"attach ':memory:' as {world}")
        for table, columns in self._tables.items():
            schema = table.split(".")[0]
            self._connection.execute(f'create schema if not exists {world}."{schema}"')
            made = ", ".join(
                f"({_values(kind, f'{table}.{column}', seed, (table, column) == changed)})"
                f'::{kind} as "{column}"'
                for column, kind in columns.items()
            )
            name = ".".join(f'"{part}"' for part in table.split("."))
            self._connection.execute(
                f"create table {world}.{name} as select {made} from range({rows}) as r(i)"
            )


def mentioned_tables(sql: str, tables: Tables) -> list[str]:
    """The tables whose name occurs in the text of the query at all."""
    words = set(re.findall(r"\w+", sql.lower()))
    return [table for table in tables if table.split(".")[1] in words]


def _values(kind: str, name: str, seed: int, is_changed: bool) -> str:
    """SQL for a column's values, by row number `i`: few different ones, so that joins match, and
    some null. Where changed, two rows in three have another value."""
    own = _value(kind, f"'{name}', {seed}")
    if not is_changed:
        return own
    other = _value(kind, f"'{name}', {seed}, 'changed'")
    return f"case when hash(i, 'who', {seed}) % 3 > 0 then ({other}) else ({own}) end"


def _value(kind: str, salt: str) -> str:
    def pick(position: int, choices: int) -> str:
        return f"(hash(i, {salt}, {position}) % {choices})::int"

    kind = kind.lower()
    word = (
        f"['FR', 'DE', 'buy', 'granted', 'email', 'user', 'a@x.com', 'b@y.com'][1 + {pick(1, 8)}]"
    )
    if kind.endswith("[]"):
        element = kind.removesuffix("[]")
        items = ", ".join(f"({_value(element, f'{salt}, {n}')})::{element}" for n in range(3))
        return f"[{items}][1:{pick(2, 4)}]"
    if kind.startswith("struct"):
        fields = re.findall(r"(\w+) (\w+)", kind.removeprefix("struct"))
        made = ", ".join(
            f"'{f}': ({_value(k, f'{salt}, 7, {n}')})" for n, (f, k) in enumerate(fields)
        )
        return f"{{{made}}}"
    if kind.startswith("map"):
        return f"map(['k'], [{word}])"
    if kind == "json":
        return f"('{{\"a\": ' || {pick(1, 4)} || ', \"b\": \"' || {word} || '\"}}')"
    if kind == "boolean":
        return f"{pick(1, 2)} = 1"
    if kind in ("integer", "bigint", "smallint", "double", "hugeint", "decimal(18,3)"):
        return f"case when {pick(3, 9)} > 0 then {pick(1, 9)} end"
    if kind == "date":
        return f"date '2026-01-01' + {pick(1, 400)}"
    if kind.startswith("timestamp"):
        return f"timestamp '2026-01-01' + to_hours({pick(1, 5000)})"
    return f"case when {pick(3, 9)} > 0 then {word} end"


def merged(observations: Iterable[Observation]) -> Observation:
    total = Observation()
    for one in observations:
        total.dependences |= one.dependences
        total.checks += one.checks
    return total


def choose(random: Random, choices: list[Any]) -> Any:
    return choices[random.randrange(len(choices))]
