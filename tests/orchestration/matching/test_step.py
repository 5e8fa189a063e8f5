"""The matching step: what is joined, asked and refused, and that its order does not matter."""

import random
from collections.abc import Iterator
from dataclasses import replace

import duckdb
import pytest

from orchestration.environment import DBT_PROJECT_DIR
from orchestration.matching.scoring import Model
from orchestration.matching.step import load_model, match
from tests.orchestration.matching.records import Person, write

ANNA = Person()
SLIP = replace(ANNA, family="murpyh")


@pytest.fixture(scope="module")
def model() -> Model:
    return load_model(DBT_PROJECT_DIR)


@pytest.fixture
def world() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"memory_limit": "1GB"}) as connection:
        yield connection


def verdicts(world: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], str]:
    rows = world.execute("select component, other_component, verdict from identity.id_proposals")
    return {(one, other): verdict for one, other, verdict in rows.fetchall()}


def judged(
    world: duckdb.DuckDBPyConnection, model: Model, one: Person, other: Person
) -> str | None:
    write(world, {"a": one, "b": other})
    match(world, model)
    return verdicts(world).get(("a", "b"))


def test_a_slip_in_the_family_name_is_one_person(
    world: duckdb.DuckDBPyConnection, model: Model
) -> None:
    assert judged(world, model, ANNA, SLIP) == "join"
    ((evidence, doubt),) = world.execute(
        "select evidence, doubt from identity.id_scores"
    ).fetchall()
    assert doubt is None
    assert [said.rsplit(" (", 1)[0] for said in evidence] == [
        "the same given name, the family name but for a slip",
        "the same date of birth",
        "the same postcode and street",
    ]


def test_swapped_names_with_a_slip_are_one_person(
    world: duckdb.DuckDBPyConnection, model: Model
) -> None:
    assert judged(world, model, ANNA, replace(SLIP, given="murpyh", family="anna")) == "join"


def test_day_and_month_swapped_with_an_initial_are_one_person(
    world: duckdb.DuckDBPyConnection, model: Model
) -> None:
    one = replace(ANNA, born="1968-06-04")
    assert judged(world, model, one, replace(one, given="a", born="1968-04-06")) == "join"


def test_twins_are_asked_about_and_not_joined(
    world: duckdb.DuckDBPyConnection, model: Model
) -> None:
    for given in ("beatrice", "alexa", "b"):
        assert judged(world, model, ANNA, replace(ANNA, given=given)) == "review", given
        ((doubt,),) = world.execute("select doubt from identity.id_scores").fetchall()
        assert doubt == "the given names differ, as those of twins do"


def test_one_initial_at_one_address_is_not_enough(
    world: duckdb.DuckDBPyConnection, model: Model
) -> None:
    one = replace(ANNA, born=None)
    assert judged(world, model, one, replace(one, given="a")) == "review"


def test_father_and_son_of_one_name_and_address_are_not_joined(
    world: duckdb.DuckDBPyConnection, model: Model
) -> None:
    assert judged(world, model, ANNA, replace(ANNA, born="1995-02-01")) is None


def test_a_score_never_joins_two_customer_numbers(
    world: duckdb.DuckDBPyConnection, model: Model
) -> None:
    write(world, {"a": ANNA, "b": SLIP}, customers=["a", "b"])
    match(world, model)
    assert verdicts(world) == {("a", "b"): "two_customers"}


def test_two_customers_of_one_name_and_birth_date_stay_two(
    world: duckdb.DuckDBPyConnection, model: Model
) -> None:
    write(world, {"a": ANNA, "b": ANNA}, customers=["a", "b"])
    match(world, model)
    assert verdicts(world) == {("a", "b"): "two_customers"}


def test_a_score_never_joins_what_a_person_parted(
    world: duckdb.DuckDBPyConnection, model: Model
) -> None:
    write(world, {"a": ANNA, "b": SLIP}, parted=[("a", "b")])
    match(world, model)
    assert verdicts(world) == {("a", "b"): "never_link"}
    write(world, {"a": ANNA, "b": SLIP})
    match(world, model)
    assert verdicts(world) == {("a", "b"): "join"}, "taking the override back restores"


def test_records_of_one_rule_cluster_are_proposed_to_nobody(
    world: duckdb.DuckDBPyConnection, model: Model
) -> None:
    write(world, {"a": ANNA, "b": SLIP}, clusters={"b": "a"})
    match(world, model)
    assert verdicts(world) == {}


def test_an_unchanged_world_is_not_scored_again(
    world: duckdb.DuckDBPyConnection, model: Model
) -> None:
    write(world, {"a": ANNA, "b": SLIP})
    first = match(world, model)
    again = match(world, model)
    assert (first.records_scored, again.records_scored) == (2, 0)
    assert again.pairs_kept == first.pairs_kept == 1


def test_other_settings_score_everything_anew(
    world: duckdb.DuckDBPyConnection, model: Model
) -> None:
    write(world, {"a": ANNA, "b": SLIP})
    match(world, model)
    stricter = Model(model.settings.model_copy(update={"doubts": ()}), model.parameters)
    assert match(world, stricter).records_scored == 2


def anybody(generator: random.Random) -> Person:
    """A person of few possible values, so that records meet."""
    choose = generator.choice
    return Person(
        given=choose(["anna", "a", "ana", "ben"]),
        family=choose(["murphy", "murpyh", "oak"]),
        born=choose(["1968-06-04", "1968-04-06", "1970-01-01", None]),
        email=choose([None, "a@x.example", "b@x.example"]),
        phone=choose([None, "+4470", "+4471"]),
        postcode=choose([None, "AB12CD", "AB12CE"]),
    )


def outcome(world: duckdb.DuckDBPyConnection) -> list[list[tuple[object, ...]]]:
    return [
        world.execute(f"select * from identity.{table} order by all").fetchall()
        for table in ("id_scores", "id_scored", "id_proposals")
    ]


@pytest.mark.parametrize("seed", range(4))
def test_any_history_gives_what_scoring_everything_at_once_gives(
    world: duckdb.DuckDBPyConnection, model: Model, seed: int
) -> None:
    generator = random.Random(seed)
    people = {f"r{i:02}": anybody(generator) for i in range(24)}
    write(world, people)
    match(world, model)
    for _ in range(3):
        for key in generator.sample(sorted(people), 2):
            people[key] = anybody(generator)
        del people[generator.choice(sorted(people))]
        people[f"s{generator.randrange(10**6)}"] = anybody(generator)
        order = list(people.items())
        generator.shuffle(order)
        write(world, dict(order))
        assert match(world, model).records_scored < len(people), "the increment was meant"
    with duckdb.connect() as fresh:
        write(fresh, people)
        match(fresh, model)
        assert outcome(world) == outcome(fresh)
        assert fresh.execute("select count(*) from identity.id_scores").fetchone() != (0,)
