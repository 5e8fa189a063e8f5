"""The 22 queries of TPC-H and the 99 of TPC-DS: each is walked, and agrees with sqlglot.

The queries and tables come with DuckDB's own extensions, as packages of its version; nothing is
downloaded. sqlglot counts as a value what partitions or orders a window; ours calls that selection.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import duckdb
import pytest

from expectations.policy.lineage.cross_check import Schema, resolved
from expectations.policy.lineage.edges import RelationLineage
from expectations.policy.lineage.shadow import ShadowCatalog

DATABASE = "bench"
#: extension -> what makes its tables, how many queries it has
BENCHMARKS = {"tpch": ("dbgen", 22), "tpcds": ("dsdgen", 99)}


@dataclass(frozen=True)
class Walked:
    """One query, its lineage by ours, and the columns that its result has."""

    name: str
    sql: str
    lineage: RelationLineage
    described: tuple[str, ...]


@dataclass(frozen=True)
class Benchmark:
    queries: tuple[Walked, ...]
    schema: Schema


def made(extension: str, directory: Path) -> Benchmark:
    folder = Path(str(import_module(f"duckdb_extension_{extension}").__file__)).parent
    (file,) = folder.rglob("*.duckdb_extension")
    settings = {"memory_limit": "1GB", "temp_directory": str(directory), "threads": 1}
    with closing(duckdb.connect(config=settings)) as connection:
        connection.execute(f"load '{file}'")
        connection.execute(f"call {BENCHMARKS[extension][0]}(sf = 0)")
        tables: dict[str, dict[str, str]] = {}
        for table, column, kind in connection.execute(
            "select table_name, column_name, data_type from information_schema.columns "
            "where table_schema = 'main' order by table_name, ordinal_position"
        ).fetchall():
            tables.setdefault(table, {})[column] = kind
        with ShadowCatalog([DATABASE]) as catalog:
            for table, columns in tables.items():
                catalog.create(DATABASE, "main", table, columns)
            queries = tuple(_walked(connection, catalog, extension))
    return Benchmark(queries, {DATABASE: {"main": tables}})


def _walked(
    connection: duckdb.DuckDBPyConnection, catalog: ShadowCatalog, extension: str
) -> Iterator[Walked]:
    for number, text in connection.execute(
        f"select query_nr, query from {extension}_queries() order by query_nr"
    ).fetchall():
        sql = text.strip().rstrip(";")
        described = connection.execute(f"select * from ({sql}) limit 0").description or ()
        names = tuple(str(one[0]).lower() for one in described)
        yield Walked(f"{extension} {number}", sql, catalog.lineage(sql), names)


@pytest.fixture(scope="module", params=BENCHMARKS)
def benchmark(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Benchmark:
    found = made(request.param, tmp_path_factory.mktemp(request.param))
    assert len(found.queries) == BENCHMARKS[request.param][1]
    return found


def test_every_query_is_walked_to_the_columns_that_it_has(benchmark: Benchmark) -> None:
    for one in benchmark.queries:
        assert tuple(column.name for column in one.lineage.columns) == one.described, one.name
        assert any(column.value or column.functions for column in one.lineage.columns), one.name


def agreeing(queries: Sequence[Walked], schema: Schema) -> float:
    """The share of columns whose value sqlglot traces alike; asserts that it never finds less, and
    that what it finds beyond ours selected the value or the row."""
    equal = columns = 0
    for one in queries:
        theirs = resolved(one.sql, schema)
        assert theirs is not None, f"sqlglot can't resolve {one.name}"
        for found, ours in zip(theirs, one.lineage.columns, strict=True):
            columns += 1
            equal += found == ours.value
            assert ours.value <= found, f"{one.name} {ours.name}: {ours.value - found}"
            assert found - ours.value <= ours.selection | one.lineage.rows, (
                f"{one.name} {ours.name}"
            )
    return equal / columns


def test_values_are_sqlglots_but_for_what_partitions_orders_or_groups(
    benchmark: Benchmark,
) -> None:
    """Every fourth query; sqlglot takes 0.1 CPU s for each."""
    assert agreeing(benchmark.queries[::4], benchmark.schema) > 0.95


@pytest.mark.slow
def test_the_values_of_all_queries_are_sqlglots(benchmark: Benchmark) -> None:
    assert agreeing(benchmark.queries, benchmark.schema) > 0.97
