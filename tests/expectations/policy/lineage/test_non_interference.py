"""The oracle of lineage: a result may change only with a column that it has an edge from.

It runs queries on databases that differ in one column and compares the results; it knows nothing of
plans. So it also tests the suite that was scored by hand.
"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from expectations.policy.lineage import walker
from expectations.policy.lineage.edges import RelationLineage
from expectations.policy.lineage.flow import Flow, Node, Scope, Stream
from expectations.policy.lineage.shadow import ShadowCatalog
from tests.expectations.policy.lineage.random_queries import Generator
from tests.expectations.policy.lineage.worlds import (
    Observation,
    Worlds,
    mentioned_tables,
    merged,
)

CONSTRUCTS = Path(__file__).parent / "constructs"
TABLES = yaml.safe_load((CONSTRUCTS / "_schema.yml").read_text())["tables"]
# results that differ between two runs on the same data, and recursions that never end on random
# data (those with a bound are observed)
LEFT_OUT = re.compile(r"random\(\)|uuid\(\)|sample|now\(\)|recursive (?!.*n < )", re.DOTALL)
QUERIES = [
    case["sql"]
    for path in sorted(CONSTRUCTS.glob("[a-z]*.yml"))
    for case in yaml.safe_load(path.read_text())
    if "refused" not in case and not LEFT_OUT.search(case["sql"])
]


@pytest.fixture(scope="module")
def observed() -> dict[str, Observation]:
    """What was seen of the suite's queries in one world."""
    return observe(QUERIES, seeds=[1])


def observe(queries: list[str], seeds: list[int]) -> dict[str, Observation]:
    found: dict[str, list[Observation]] = {sql: [] for sql in queries}
    for seed in seeds:
        worlds = Worlds(TABLES, seed)
        for sql, observations in found.items():
            observations.append(worlds.observe(sql, mentioned_tables(sql, TABLES)))
        worlds.close()
    return {sql: merged(observations) for sql, observations in found.items()}


def violations(
    observed: Mapping[str, Observation], catalog: ShadowCatalog
) -> list[tuple[str, str, str]]:
    """Dependences that were seen and have no edge: (query, output column, source column)."""
    missing: list[tuple[str, str, str]] = []
    for sql, observation in observed.items():
        edges = all_edges(catalog.lineage(sql))
        missing += [
            (sql, output, column)
            for output, column in sorted(observation.dependences)
            if column not in edges[output]
        ]
    return missing


def all_edges(lineage: RelationLineage) -> dict[str, set[str]]:
    rows = {str(column) for column in lineage.rows}
    return {
        one.name: rows | {str(column) for column in one.value | one.selection}
        for one in lineage.columns
    }


def test_no_result_of_the_suite_depends_on_a_column_without_an_edge(
    observed: dict[str, Observation], catalog: ShadowCatalog
) -> None:
    assert violations(observed, catalog) == []
    assert sum(one.checks for one in observed.values()) > 4_000
    assert sum(len(one.dependences) for one in observed.values()) > 500


def test_no_result_of_random_queries_depends_on_a_column_without_an_edge(
    catalog: ShadowCatalog,
) -> None:
    generator = Generator(seed=7)
    seen = observe([generator.query() for _ in range(60)], seeds=[2])
    assert violations(seen, catalog) == []
    assert sum(one.checks for one in seen.values()) > 2_500
    assert sum(len(one.dependences) for one in seen.values()) > 300


@pytest.mark.slow
def test_no_violation_in_a_hundred_thousand_checks(catalog: ShadowCatalog) -> None:
    generator = Generator(seed=20261120)
    queries = [*QUERIES, *(generator.query() for _ in range(500))]
    seen = observe(queries, seeds=[3, 4, 5, 6])
    assert violations(seen, catalog) == []
    assert sum(one.checks for one in seen.values()) >= 100_000


def without_rows(stream: Stream, before: Stream) -> Stream:
    return Stream(stream.columns, before.rows, before.order)


def without_selection(stream: Stream, before: Stream) -> Stream:
    return Stream(
        tuple(Flow(one.value, frozenset(), one.functions) for one in stream.columns),
        stream.rows,
        stream.order,
    )


def without_second_operand(stream: Stream, before: Stream) -> Stream:
    """Of each column's sources the greatest is forgotten, where there are several."""
    return Stream(
        tuple(
            Flow(frozenset(sorted(one.value)[:1]), one.selection, one.functions)
            for one in stream.columns
        ),
        stream.rows,
        stream.order,
    )


DEFECTS: list[tuple[str, Callable[[Stream, Stream], Stream]]] = [
    ("LOGICAL_FILTER", without_rows),
    ("LOGICAL_COMPARISON_JOIN", without_rows),
    ("LOGICAL_ANY_JOIN", without_rows),
    ("LOGICAL_ASOF_JOIN", without_rows),
    ("LOGICAL_DELIM_JOIN", without_rows),
    ("LOGICAL_DELIM_JOIN", without_selection),
    ("LOGICAL_AGGREGATE_AND_GROUP_BY", without_rows),
    ("LOGICAL_AGGREGATE_AND_GROUP_BY", without_selection),
    ("LOGICAL_WINDOW", without_selection),
    ("LOGICAL_PROJECTION", without_second_operand),
    ("LOGICAL_UNION", without_second_operand),
    ("LOGICAL_EXCEPT", without_rows),
    ("LOGICAL_INTERSECT", without_rows),
    ("LOGICAL_DISTINCT", without_rows),
    ("LOGICAL_LIMIT", without_rows),
    ("LOGICAL_UNNEST", without_rows),
    ("LOGICAL_GET", without_rows),
    ("LOGICAL_RECURSIVE_CTE", without_rows),
]


@pytest.mark.parametrize(("operator", "defect"), DEFECTS)
def test_an_edge_that_the_walker_forgets_is_seen(
    operator: str,
    defect: Callable[[Stream, Stream], Stream],
    observed: dict[str, Observation],
    catalog: ShadowCatalog,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sound = walker.OPERATORS[operator]

    def defective(node: Node, scope: Scope) -> Stream:
        inputs: list[Any] = node.get("children") or []
        before = scope.walk(inputs[0]) if inputs else Stream(())
        return defect(sound(node, scope), before)

    monkeypatch.setitem(walker.OPERATORS, operator, defective)
    assert violations(observed, catalog)
