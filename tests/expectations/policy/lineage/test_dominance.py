"""The gate analysis against shapes of egress queries, each judged by hand: no unsafe one passes."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from random import Random
from typing import Any

import duckdb
import pytest
import yaml

from expectations.policy.lineage.dominance import Dominance, Gate, dominated_by
from expectations.policy.lineage.faults import Undeclared
from expectations.policy.lineage.shadow import ShadowCatalog
from tests.expectations.policy.lineage.worlds import IN_MEMORY

SHAPES = yaml.safe_load((Path(__file__).parent / "gates" / "shapes.yml").read_text())
TABLES = {
    "main.c": {"id": "integer", "email": "varchar", "country": "varchar", "referrer": "integer"},
    "main.p": {"person_id": "integer", "verdict": "varchar", "note": "integer"},
    "other.p": {"person_id": "integer", "verdict": "varchar"},
    "main.e": {"customer": "integer", "kind": "varchar"},
    "main.d": {"name": "varchar"},
    "main.done": {"person_id": "integer", "email": "varchar"},
}
GATE = ("main", "p")
CONDITIONS = {"verdict": "permit"}


@pytest.fixture(scope="module")
def tables() -> Iterator[ShadowCatalog]:
    with ShadowCatalog(["sample"]) as created:
        for name, columns in TABLES.items():
            created.create("sample", *name.split("."), columns)
        yield created


def judged(tables: ShadowCatalog, sql: str, *, loose: bool = False) -> Dominance:
    gate = Gate(GATE, {"person_id": None if loose else "person_id"}, CONDITIONS)
    return dominated_by(
        tables.plan(sql),
        list(tables.types(sql)),
        gate,
        dominated={("main", "done"): {"person_id": "person_id"}},
        about_nobody=[("main", "d")],
    )


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape["name"])
def test_no_path_past_the_gate_is_accepted(shape: Mapping[str, Any], tables: ShadowCatalog) -> None:
    found = judged(tables, shape["sql"], loose=shape.get("loose", False))
    is_accepted = not found.undominated
    assert is_accepted == (shape["safe"] and not shape.get("refused")), found


def test_the_shapes_are_many_and_few_safe_ones_are_refused() -> None:
    assert len({shape["name"] for shape in SHAPES}) == len(SHAPES) >= 60
    safe = [shape for shape in SHAPES if shape["safe"]]
    assert len(SHAPES) - len(safe) >= 60
    assert sum(shape.get("refused", False) for shape in safe) <= 0.15 * len(safe)


def test_what_is_accepted_only_ever_selects_permitted_people(tables: ShadowCatalog) -> None:
    """The judgements themselves, on random rows with nulls, repeats and people nobody permitted."""
    accepted = [
        shape["sql"]
        for shape in SHAPES
        if "done" not in shape["sql"] and not shape.get("loose") and shape["safe"]
    ]
    seen = 0
    for seed in range(20):
        with duckdb.connect(config=IN_MEMORY) as connection:
            fill(connection, Random(seed))
            permitted = "select person_id from p where verdict = 'permit'"
            allowed = {row[0] for row in connection.execute(permitted).fetchall()}
            for sql in accepted:
                result = connection.execute(f"select person_id from ({sql})").fetchall()
                seen += len(result)
                assert {row[0] for row in result} <= allowed, sql
    assert seen > 1000


def fill(connection: duckdb.DuckDBPyConnection, random: Random) -> None:
    samples: dict[str, list[Any]] = {
        "integer": [1, 2, 3, 4, 5, None],
        "varchar": ["FR", "DE", "permit", "deny", None],
    }
    connection.execute("create schema other")
    for name, columns in TABLES.items():
        kinds = ", ".join(f"{column} {kind}" for column, kind in columns.items())
        connection.execute(f"create table {name} ({kinds})")
        for number in range(8):
            row = [random.choice(samples[kind]) for kind in columns.values()]
            if name == "main.c":
                row[0] = number
            if name.endswith(".p"):
                row[1] = random.choice(["permit", "deny"])
            if name == "main.p":
                row[0] = number if number else None
            marks = ", ".join("?" for _ in row)
            connection.execute(f"insert into {name} values ({marks})", row)


def test_the_path_past_the_gate_is_described(tables: ShadowCatalog) -> None:
    gated = "select c.id as person_id from c join p on p.person_id = c.id where verdict = 'permit'"
    past = "select id from c where country = 'FR'"
    assert judged(tables, f"{gated} union all {past}").undominated == (
        "branch 2 of a union, rows of main.c: no join with main.p",
    )


def test_the_column_that_carries_the_key_is_handed_to_the_next_query(tables: ShadowCatalog) -> None:
    sql = "select email, c.id from c join p on p.person_id = c.id where verdict = 'permit'"
    found = judged(tables, sql, loose=True)
    assert found == Dominance((), {"person_id": "id"})


def test_a_gate_without_its_column_is_an_error(tables: ShadowCatalog) -> None:
    sql = "select person_id from p"
    gate = Gate(GATE, {"person": "person_id"})
    with pytest.raises(Undeclared, match=r"main\.p has no column person"):
        dominated_by(tables.plan(sql), list(tables.types(sql)), gate)
