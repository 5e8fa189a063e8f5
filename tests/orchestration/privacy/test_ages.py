"""After retention the whole warehouse is looked through, by the labels of the policy graph."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import duckdb
import pytest

from expectations.policy.graph import Field, PolicyGraph, Relation
from expectations.policy.label import Label
from expectations.policy.lineage.edges import Column, OutputColumn, RelationLineage
from orchestration import environment
from orchestration.landing.labels import landing_relations
from orchestration.policy_graph import policy_graph
from orchestration.privacy.ages import AgeCheck, check_ages
from orchestration.privacy.retention import STAGING
from tests.orchestration.conftest import Finished
from tests.orchestration.places import AS_OF

DAYS = {"id": 100, "at": 100, "words": 30}


def _relation(
    schema: str, table: str, columns: dict[str, str], event_time: str | None = None
) -> Relation:
    """`columns`: name -> the root column that it is; a root's are its own."""
    fields = tuple(
        Field(
            Column(schema, table, name),
            "timestamptz" if root == "at" else "varchar",
            Label(retention_days=DAYS[root]),
            frozenset(),
            True,
        )
        for name, root in columns.items()
    )
    if schema == "landing":
        return Relation(schema, table, "source", fields, None, "t.yml", "one", ("id",), event_time)
    outputs = tuple(
        OutputColumn(
            name, "varchar", frozenset({Column("landing", "t", root)}), frozenset(), frozenset()
        )
        for name, root in columns.items()
    )
    lineage = RelationLineage(outputs, frozenset(), frozenset({("landing", "t")}))
    return Relation(schema, table, "model", fields, lineage, "d.sql")


GRAPH = PolicyGraph(
    {
        (one.schema, one.table): one
        for one in (
            _relation("landing", "t", {name: name for name in DAYS}, "at"),
            _relation("profiles", "dated", {"happened": "at", "said": "words"}),
            _relation("profiles", "undated", {"said": "words"}),
            _relation("profiles", "never_built", {"happened": "at"}),
        )
    }
)


@pytest.fixture
def warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    """A landing table with a row of 1 day and a cell of 40, and two models that lag behind it."""
    with duckdb.connect(":memory:") as connection:
        connection.execute("create schema landing; create schema profiles")
        connection.execute('create table landing.t (id varchar, "at" timestamptz, words varchar)')
        for name, age, words in (("a", 1, "new"), ("b", 40, None), ("c", 40, "old")):
            connection.execute(
                "insert into landing.t values (?, ?, ?)", [name, AS_OF - timedelta(days=age), words]
            )
        connection.execute(
            'create table profiles.dated as select "at" as happened, words as said from landing.t'
        )
        connection.execute("create table profiles.undated as select words as said from landing.t")
        yield connection


def test_a_cell_that_landing_has_lost_is_found_in_the_model_that_holds_it_still(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    warehouse.execute("update landing.t set words = null where id = 'c'")
    assert check_ages(warehouse, GRAPH, AS_OF) == AgeCheck(
        looked_at=(("landing.t", "at"), ("profiles.dated", "happened")),
        over_age={"profiles.dated": 1},
        without_event_time=("profiles.undated",),
    )
    warehouse.execute("update profiles.dated set said = null where said = 'old'")
    assert check_ages(warehouse, GRAPH, AS_OF).over_age == {}


def test_rows_and_cells_of_every_relation_are_counted(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    assert check_ages(warehouse, GRAPH, AS_OF).over_age == {"landing.t": 1, "profiles.dated": 1}
    # 61 days on two rows are over, with the cell of one; a row of the model is its event time.
    assert check_ages(warehouse, GRAPH, AS_OF + timedelta(days=61)).over_age == {
        "landing.t": 4,
        "profiles.dated": 4,
    }


def _ages(first: Finished, as_of: datetime) -> AgeCheck:
    home = environment.home(first.place.home)
    graph = policy_graph(home, on=AS_OF.date())
    with duckdb.connect(str(home.warehouse), read_only=True) as connection:
        connection.execute("set timezone = 'UTC'")
        return check_ages(connection, graph, as_of)


def test_after_a_run_nothing_is_over_age_in_any_relation_with_an_event_time(
    first: Finished,
) -> None:
    found = _ages(first, AS_OF)
    assert found.over_age == {}
    looked_at = {name for name, _ in found.looked_at}
    dated = {one.name for one in landing_relations(STAGING).values() if one.event_time}
    assert len(dated & looked_at) > 10
    assert {name.split(".")[0] for name in looked_at} >= {"landing", "staging"}
    assert not looked_at & set(found.without_event_time)


def test_a_year_later_the_same_look_finds_what_is_due_in_landing_and_behind_it(
    first: Finished,
) -> None:
    due = _ages(first, AS_OF + timedelta(days=366)).over_age
    assert {name.split(".")[0] for name in due} >= {"landing", "staging"}
