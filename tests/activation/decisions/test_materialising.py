from datetime import timedelta

import duckdb
import pyarrow as pa
import pytest

from activation.decisions import (
    DecisionError,
    Release,
    append_decisions,
    decide,
    materialise,
    record_release,
)
from activation.journeys import JourneySet
from tests.activation.decisions.worlds import AS_OF, insert, past_act, permit, person, policy

World = duckdb.DuckDBPyConnection
DAY = timedelta(days=1)


def sealed(rows: pa.Table, batch: int = 1) -> pa.Table:
    """Rows as the log gives them back: with batch, seq and commitment, without the context."""
    count = rows.num_rows
    added = {
        "batch": pa.array([batch] * count, pa.int64()),
        "seq": pa.array(range(count), pa.int64()),
        "commitment": pa.array(["0" * 64] * count),
    }
    for name, column in added.items():
        rows = rows.append_column(name, column)
    return rows.drop_columns(["context"])


def member(
    person_id: str, days: int, outcome: str = "act", release: str = "r_a"
) -> dict[str, object]:
    return past_act(
        person_id,
        "cross_sell_home",
        person_id,
        decision_id=f"d_{person_id}_{days}",
        as_of=AS_OF - days * DAY,
        outcome=outcome,
        release=release,
    )


@pytest.fixture
def audiences(world: World) -> World:
    world.execute(
        "insert into activation.release_node values "
        "('r_a', 'cross_sell_home', 'audience', 'cross_sell_home', 72)"
    )
    return world


def members(world: World) -> dict[str, int]:
    """Days since which each person is a member."""
    rows = world.execute("select person_id, since from activation.audience").fetchall()
    return {person_id: (AS_OF - since).days for person_id, since in rows}


def test_an_act_becomes_an_action_with_its_template_and_validity(
    world: World, journeys: JourneySet, release: Release
) -> None:
    insert(world, "contexts.ctx_person", [person("p_1"), person("p_2")])
    insert(world, "contexts.ctx_policy", [policy("p_1", "POL1"), policy("p_2", "POL2")])
    insert(world, "consent.con_permits", [permit("p_1", "renewal", "email")])
    rows = decide(world, journeys=journeys, release=release, as_of=AS_OF)
    assert append_decisions(world, sealed(rows)) == 2
    assert append_decisions(world, sealed(rows)) == 0
    materialise(world, as_of=AS_OF)
    acts = [row for row in rows.to_pylist() if row["outcome"] == "act"]
    found = world.execute("select * from activation.action").to_arrow_table().to_pylist()
    assert [row["decision_id"] for row in found] == [row["decision_id"] for row in acts]
    assert found[0]["template"] == "renewal_reminder_day_90"
    assert found[0]["send_after"] == AS_OF
    assert found[0]["valid_until"] == AS_OF + 3 * DAY


def test_an_audience_holds_the_acts_of_the_newest_run(audiences: World) -> None:
    rows = [member("p_1", 1), member("p_1", 0), member("p_2", 1), member("p_2", 0, "withhold")]
    insert(audiences, "activation.decision_log", rows)
    materialise(audiences)
    assert members(audiences) == {"p_1": 1}


def test_a_membership_that_was_broken_starts_anew(audiences: World) -> None:
    rows = [member("p_1", 3), member("p_1", 1), member("p_1", 0), member("p_2", 2)]
    insert(audiences, "activation.decision_log", rows)
    materialise(audiences)
    assert members(audiences) == {"p_1": 1}


def test_a_run_without_candidates_empties_the_audience(audiences: World) -> None:
    insert(audiences, "activation.decision_log", [member("p_1", 1)])
    materialise(audiences, as_of=AS_OF)
    assert members(audiences) == {}
    materialise(audiences, as_of=AS_OF - DAY)
    assert members(audiences) == {"p_1": 1}


def test_a_member_decided_under_two_releases_is_there_once(audiences: World) -> None:
    audiences.execute(
        "insert into activation.release_node values "
        "('r_b', 'cross_sell_home', 'audience', 'cross_sell_home', 72)"
    )
    again = member("p_1", 0, release="r_b") | {"decision_id": "d_again"}
    insert(audiences, "activation.decision_log", [member("p_1", 0), again])
    materialise(audiences)
    assert members(audiences) == {"p_1": 0}


def test_no_audience_member_becomes_an_action(audiences: World) -> None:
    insert(audiences, "activation.decision_log", [member("p_1", 0)])
    materialise(audiences)
    assert audiences.execute("select count(*) from activation.action").fetchone() == (0,)


def test_materialising_twice_gives_the_same_tables(audiences: World) -> None:
    insert(audiences, "activation.decision_log", [member("p_1", 1), member("p_1", 0)])
    materialise(audiences)
    first = members(audiences)
    materialise(audiences)
    assert members(audiences) == first


def test_a_log_of_an_unknown_release_is_named_until_it_is_recorded(
    world: World, release: Release
) -> None:
    act = past_act("p_1", "renewal_reminder_day_90", "POL1", release=release.id)
    insert(world, "activation.decision_log", [act])
    with pytest.raises(DecisionError, match=release.id):
        materialise(world)
    record_release(world, release)
    materialise(world)
    assert world.execute("select count(*) from activation.action").fetchone() == (1,)
