"""The components materialisation against a union-find, on the graphs that break naive solutions."""

import random
import shutil
from collections.abc import Callable, Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import pytest
from dbt.exceptions import DbtRuntimeError

from tests.dbt.builder import PROJECT_DIR, Warehouse
from tests.dbt.identity_sql import union_find

Edge = tuple[str, str]


def set_links(warehouse: Warehouse, edges: Iterable[Edge]) -> None:
    with duckdb.connect(warehouse.path) as connection:
        connection.execute("create schema if not exists identity")
        connection.execute(
            "create or replace table identity.id_candidate_links"
            " (record_key varchar, anchor_key varchar, rule varchar, tier int, assurance varchar)"
        )
        records, anchors = zip(*edges, strict=True)
        connection.execute(
            "insert into identity.id_candidate_links"
            " select unnest(?::varchar[]), unnest(?::varchar[]), 'email', 2, 'B'",
            [list(records), list(anchors)],
        )


def solve(warehouse: Warehouse, edges: Iterable[Edge]) -> dict[str, str]:
    set_links(warehouse, edges)
    results = warehouse.run_dbt(["run", "--select", "id_components"])
    assert [str(result.status) for result in results] == ["success"]
    return dict(warehouse.rows("select record_key, component from identity.id_components"))


@pytest.fixture(scope="module")
def graphs(shared_warehouse: Callable[[str], Warehouse]) -> Warehouse:
    return shared_warehouse("components")


def test_a_chain_of_1000_is_one_component(graphs: Warehouse) -> None:
    names = [f"n{i:04}" for i in range(1000)]
    random.Random(1).shuffle(names)
    chain = list(pairwise(names))
    assert solve(graphs, chain) == dict.fromkeys(names, "n0000")


def test_a_hub_of_8000_is_one_component(graphs: Warehouse) -> None:
    hub = [(f"n{i:04}", "n4000") for i in range(8000)]
    assert set(solve(graphs, hub).values()) == {"n0000"}


@pytest.mark.timeout(120)
def test_a_hundred_thousand_links_do_not_cost_a_nested_loop(graphs: Warehouse) -> None:
    pairs = [(f"n{i:06}", f"n{i - i % 2:06}") for i in range(100_000)]
    assert len(set(solve(graphs, pairs).values())) == 50_000


@pytest.mark.parametrize("seed", range(3))
def test_random_graphs_are_solved_as_a_union_find_solves_them(graphs: Warehouse, seed: int) -> None:
    generator = random.Random(seed)
    nodes = [f"n{i:03}" for i in range(400)]
    edges = [(generator.choice(nodes), generator.choice(nodes)) for _ in range(260)]
    assert solve(graphs, edges) == union_find(edges)


def test_no_links_are_no_components(graphs: Warehouse) -> None:
    assert solve(graphs, [("alone", "alone")]) == {"alone": "alone"}
    graphs.run_sql("delete from identity.id_candidate_links")
    graphs.run_dbt(["run", "--select", "id_components"])
    assert graphs.rows("select * from identity.id_components") == []


def test_rounds_that_do_not_suffice_are_an_error(graphs: Warehouse) -> None:
    names = [f"n{i:03}" for i in range(200)]
    set_links(graphs, pairwise(names))
    before = graphs.rows("select * from identity.id_components")
    results = graphs.run_dbt(
        ["run", "--select", "id_components"], variables={"component_max_rounds": 1}
    )
    assert [str(result.status) for result in results] == ["error"]
    assert "components not solved after 1 rounds" in results[0].message
    assert graphs.rows("select * from identity.id_components") == before


# The first hash makes one node of all records; `{otherwise}` is every hash after that.
WEAK_HASH = """
{{% macro duckdb__shuffle_hash(value, round) -%}}
    {{{{ 'cast(7 as ubigint)' if round == 0 else {otherwise} }}}}
{{%- endmacro %}}
"""


def solve_with_weak_hash(directory: Path, otherwise: str) -> tuple[Any, dict[str, str]]:
    """The result of dbt and record -> component, in a project whose hash collides."""
    project = directory / "project"
    (project / "models").mkdir(parents=True)
    shutil.copytree(PROJECT_DIR / "macros", project / "macros")
    shutil.copy(PROJECT_DIR / "profiles.yml", project)
    (project / "dbt_project.yml").write_text("{name: assent, profile: assent}")
    (project / "macros" / "weak.sql").write_text(WEAK_HASH.format(otherwise=otherwise))
    (project / "models" / "joined.sql").write_text(
        "{{ config(materialized='components') }} select * from "
        "(values ('a1', 'a2'), ('b1', 'b2'), ('c1', 'b2'), ('d1', 'd1')) t(record_key, component)"
    )
    warehouse = Warehouse(directory, manifest=None, tables={})
    (result,) = warehouse.run_dbt(["run"], project=project)
    if str(result.status) != "success":
        return result, {}
    return result, dict(warehouse.rows("select record_key, component from main.joined"))


def test_two_records_of_one_hash_are_hashed_anew_and_not_joined(tmp_path: Path) -> None:
    strong = "'hash(' ~ value ~ ',' ~ round ~ ')'"
    _, found = solve_with_weak_hash(tmp_path, strong)
    assert found == {"a1": "a1", "a2": "a1", "b1": "b1", "b2": "b1", "c1": "b1", "d1": "d1"}


def test_records_whose_hashes_are_always_equal_stop_the_run(tmp_path: Path) -> None:
    result, _ = solve_with_weak_hash(tmp_path, "'cast(7 as ubigint)'")
    assert str(result.status) == "error"
    assert "joined: records whose hashes are always equal" in result.message


def test_a_build_without_its_clock_is_refused(graphs: Warehouse) -> None:
    with pytest.raises(DbtRuntimeError, match="as_of"):
        graphs.run_dbt(["compile", "--select", "stg_crm__contacts"], as_of=None)
