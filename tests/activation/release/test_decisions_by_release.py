"""The same inputs under the same release give the same bytes, whatever was active in between."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from sqlalchemy import Engine

from activation.decisions import append_decisions, decide, materialise
from activation.journeys import load
from activation.log import DecisionLog, SigningKey
from activation.release import Bundle, Canary, active_id, open_bundle, rollback
from activation.release.decision_diff import compare
from activation.release.pointer import point
from activation.release.registry import record
from activation.release.signing import sign
from activation.release.slices import Slice, deciding_sql
from activation.store import open_store, transaction
from tests.activation.decisions.bulk import create_bulk_world
from tests.activation.decisions.worlds import AS_OF
from tests.activation.release.projects import AT, KEY

ROOT = Path(__file__).parents[3]
PERSONS = 600
LOG_KEY = SigningKey("example.com/decisions", bytes(32))


def as_sealed(rows: pa.Table, batch: int) -> pa.Table:
    """The rows with the place in the log that sealing gives them."""
    places = {"batch": [batch] * len(rows), "seq": range(len(rows))}
    for name, values in places.items():
        rows = rows.append_column(name, pa.array(values, pa.int64()))
    return rows


@pytest.fixture
def engine(tmp_path: Path, bundles: tuple[Bundle, Bundle]) -> Iterator[Engine]:
    """A store that holds both releases."""
    engine = open_store(f"sqlite:///{tmp_path}/assent.sqlite")
    with transaction(engine) as connection:
        for bundle in bundles:
            record(connection, bundle, note=sign(bundle.release, KEY), actor="ana", at=AT)
    yield engine
    engine.dispose()


@pytest.fixture
def world() -> Iterator[duckdb.DuckDBPyConnection]:
    """The inputs, the same for every test."""
    with duckdb.connect(config={"threads": 2}) as connection:
        create_bulk_world(connection, PERSONS, seed=7)
        yield connection


def decide_under_the_active_release(
    engine: Engine, world: duckdb.DuckDBPyConnection, directory: Path
) -> pa.Table:
    """As a run does: from the store's files, and from nothing else."""
    with engine.connect() as connection:
        bundle = open_bundle(connection, str(active_id(connection)), KEY.public)
    bundle.write(directory)
    journeys = load(directory / "activation/journeys")
    return decide(world, journeys=journeys, release=bundle.release, as_of=AS_OF)


def root_of(rows: pa.Table, directory: Path) -> bytes:
    """The root of a fresh log that seals the rows with reproducible keys."""
    log = DecisionLog(directory, signing_key=LOG_KEY, entropy=lambda count: bytes(count))
    batch = log.append(rows, as_of=AS_OF, release=rows["release"][0].as_py(), sealed_at=AS_OF)
    assert batch is not None
    return batch.root


def test_after_a_rollback_equal_inputs_give_byte_identical_leaves(
    engine: Engine, world: duckdb.DuckDBPyConnection, bundles: tuple[Bundle, Bundle], tmp_path: Path
) -> None:
    decided = []
    for step, release_id in enumerate((bundles[0].release.id, bundles[1].release.id, None)):
        with transaction(engine) as connection:
            if release_id:
                point(connection, release_id, kind="activate", actor="ana", note="why", at=AT)
            else:
                rollback(
                    connection, to=None, actor="ana", note="why", at=AT,
                    is_intact=lambda one: open_bundle(connection, one, KEY.public),
                )  # fmt: skip
        decided.append(decide_under_the_active_release(engine, world, tmp_path / f"files-{step}"))
    roots = [root_of(rows, tmp_path / f"log-{step}") for step, rows in enumerate(decided)]
    assert decided[0].num_rows > 1000
    assert decided[2].equals(decided[0])
    assert roots[2] == roots[0] != roots[1]


def test_who_is_not_in_a_canary_is_decided_as_without_it_and_everybody_once(
    world: duckdb.DuckDBPyConnection, bundles: tuple[Bundle, Bundle], tmp_path: Path
) -> None:
    whole = {}
    for bundle in bundles:
        bundle.write(tmp_path / bundle.release.id)
        journeys = load(tmp_path / bundle.release.id / "activation/journeys")
        whole[bundle.release.id] = (journeys, bundle.release)
    alone = [decide(world, journeys=j, release=r, as_of=AS_OF) for j, r in whole.values()]

    canary = Canary(bundles[1].release.id, 2_000)
    parts = (
        Slice(bundles[0].release.id, canary, is_canary=False),
        Slice(bundles[1].release.id, canary, is_canary=True),
    )
    rows = []
    for part, everybody in zip(parts, alone, strict=True):
        journeys, release = whole[part.release_id]
        cut = part.of(world, decide(world, journeys=journeys, release=release, as_of=AS_OF))
        assert cut.equals(part.of(world, everybody))
        append_decisions(world, as_sealed(cut, batch=len(rows) + 1))
        rows.append(cut)

    persons = [set(cut["person_id"].to_pylist()) for cut in rows]
    assert persons[1]
    assert not persons[0] & persons[1]
    assert persons[1] == {p for p in alone[1]["person_id"].to_pylist() if canary.holds(p)}
    decided = [key for cut in rows for key in zip(*(
        cut[name].to_pylist() for name in ("node", "subject_id", "person_id")
    ), strict=True)]  # fmt: skip
    assert len(decided) == len(set(decided))
    assert set(rows[0]["release"].to_pylist()) == {bundles[0].release.id}
    assert set(rows[1]["release"].to_pylist()) == {bundles[1].release.id}

    # The audience of the run is of the release that each person decided under.
    materialise(world, as_of=AS_OF, deciding=deciding_sql(parts, "l.person_id"))
    members = {p for (p,) in world.execute("select person_id from activation.audience").fetchall()}
    acted = {
        row["person_id"]
        for cut in rows
        for row in cut.to_pylist()
        if row["node"] == "cross_sell_home" and row["outcome"] == "act"
    }
    assert members == acted


def test_a_rolled_back_release_leaves_nobody_in_an_audience(
    world: duckdb.DuckDBPyConnection, bundles: tuple[Bundle, Bundle], tmp_path: Path
) -> None:
    first, later = bundles
    for batch, bundle in enumerate((first, later), start=1):
        node = "cross_sell_home"
        bundle.write(tmp_path / bundle.release.id)
        journeys = load(tmp_path / bundle.release.id / "activation/journeys")
        halted = {node} if bundle is first else set()
        rows = decide(world, journeys=journeys, release=bundle.release, as_of=AS_OF, halted=halted)
        append_decisions(world, as_sealed(rows, batch))
    for bundle, is_empty in ((later, False), (first, True)):
        materialise(world, as_of=AS_OF, deciding=f"'{bundle.release.id}'")
        counted = world.execute("select count(*) from activation.audience").fetchone()
        assert counted is not None
        assert (counted[0] == 0) == is_empty


def test_the_comparison_counts_what_each_release_decides(
    world: duckdb.DuckDBPyConnection, bundles: tuple[Bundle, Bundle], tmp_path: Path
) -> None:
    rows = []
    for bundle in bundles:
        bundle.write(tmp_path / bundle.release.id)
        journeys = load(tmp_path / bundle.release.id / "activation/journeys")
        rows.append(decide(world, journeys=journeys, release=bundle.release, as_of=AS_OF))
    found = compare(*rows, key=b"secret")
    acts = [
        {
            (r["node"], r["subject_id"], r["person_id"])
            for r in one.to_pylist()
            if r["outcome"] == "act"
        }
        for one in rows
    ]
    assert found.total("lost") == len(acts[0] - acts[1]) > 0
    assert found.total("gained") == len(acts[1] - acts[0])
    assert sum(one.acts_before for one in found.nodes) == len(acts[0])
    assert sum(one.acts_after for one in found.nodes) == len(acts[1])
    lost = [group for group in found.groups if group.change == "lost"]
    assert {group.node for group in lost} == {"renewal_reminder_day_90"}
    assert all(group.after is None for group in lost)
    nothing = compare(rows[0], rows[0], key=b"secret")
    assert nothing.groups == ()
    assert sum(one.same for one in nothing.nodes) == rows[0].num_rows


def test_a_sample_names_nobody_and_depends_on_the_key(
    world: duckdb.DuckDBPyConnection, bundles: tuple[Bundle, Bundle], tmp_path: Path
) -> None:
    bundle = bundles[0]
    bundle.write(tmp_path)
    journeys = load(tmp_path / "activation/journeys")
    rows = decide(world, journeys=journeys, release=bundle.release, as_of=AS_OF)
    persons = set(rows["person_id"].to_pylist())
    one, other = (compare(rows.slice(0, 0), rows, key=key) for key in (b"one", b"other"))
    samples = [{p for group in found.groups for p in group.sample} for found in (one, other)]
    assert all(samples)
    assert not samples[0] & samples[1]
    assert not (samples[0] | samples[1]) & persons
    assert all(len(group.sample) <= min(5, group.persons) for group in one.groups)
