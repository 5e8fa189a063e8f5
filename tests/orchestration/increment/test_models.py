"""What an increment takes from the dbt project must be what stands there."""

from collections.abc import Mapping
from typing import Any

import duckdb

from orchestration.increment import persons, records
from orchestration.increment.components import solve_components
from orchestration.increment.models import Models
from tests.orchestration.increment.world import AS_OF


def test_the_two_halves_are_the_identity_models_of_the_two_dbt_steps(
    compiled: Mapping[str, Any],
) -> None:
    models = Models.of(compiled, AS_OF).by_name
    first: set[str] = set()
    reached = {"id_comparables", "id_rule_clusters"}  # the selector `records` is their ancestors
    while reached:
        name = reached.pop()
        first.add(name)
        reached |= (models[name].parents & set(models)) - first
    assert set(records.MODELS) == first
    assert set(persons.MODELS) == set(models) - first


def test_every_model_is_built_after_its_parents(compiled: Mapping[str, Any]) -> None:
    models = Models.of(compiled, AS_OF).by_name
    order = (*records.MODELS, *persons.MODELS)
    faults = [
        f"{name} is built before {parent}"
        for place, name in enumerate(order)
        for parent in models[name].parents & set(models)
        if order.index(parent) > place
    ]
    assert faults == []


def test_components_in_this_process_take_a_scope_apart() -> None:
    connection = duckdb.connect()
    links = """
        select * from (values (1, 'b', 'a'), (1, 'c', 'b'), (2, 'c', 'b'), (2, 'd', 'd'))
        as links(tier, record_key, component)
    """
    solve_components(connection, links, "solved", "tier")
    assert connection.execute("select * from solved order by all").fetchall() == [
        (1, "a", "a"),
        (1, "b", "a"),
        (1, "c", "a"),
        (2, "b", "b"),
        (2, "c", "b"),
        (2, "d", "d"),
    ]


def test_a_chain_of_a_thousand_is_one_component() -> None:
    connection = duckdb.connect()
    links = """
        select lpad(i::varchar, 4, '0') as record_key, lpad((i + 1)::varchar, 4, '0') as component
        from range(1000) as t(i)
    """
    solve_components(connection, links, "solved", None)
    assert connection.execute("select count(*), min(component), max(component) from solved")
    assert connection.fetchall() == [(1001, "0000", "0000")]
