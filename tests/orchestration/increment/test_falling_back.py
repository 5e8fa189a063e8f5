"""When an increment may not be trusted, or would not pay, everything is built."""

import random
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import duckdb
import pytest

from orchestration.increment import state, step
from orchestration.matching.scoring import Model
from tests.orchestration.increment.runs import ANY_SHARE, DIGEST, Given, run
from tests.orchestration.increment.warehouse import created, land
from tests.orchestration.increment.world import AS_OF, World

Warehouse = duckdb.DuckDBPyConnection


@pytest.fixture(scope="module")
def ran(compiled: Mapping[str, Any], matching: Model) -> tuple[Warehouse, Given]:
    """A warehouse after a committed run."""
    world = World(random.Random(1), size=12)
    world.begin()
    connection, given = created(), Given(compiled, matching, world, AS_OF)
    land(connection, world)
    run(connection, given)
    return connection, replace(given, as_of=AS_OF + timedelta(days=1))


def solved(
    ran: tuple[Warehouse, Given], digest: str = DIGEST, share: float = ANY_SHARE
) -> int | None:
    """How many records an increment solves, or None when it is refused."""
    connection, given = ran
    if not state.can_increment(connection, digest):
        return None
    return step.update_records(connection, given.models, digest, given.as_of, share)


def test_nothing_changed_solves_nothing(ran: tuple[Warehouse, Given]) -> None:
    connection, given = ran
    before = connection.execute("from identity.id_records order by all").fetchall()
    assert run(connection, given) == 0
    assert connection.execute("from identity.id_records order by all").fetchall() == before


@pytest.mark.parametrize(
    ("why", "done", "undone"),
    [
        (
            "a run that has not come to its end",
            "update identity_state.run set stage = 'persons'",
            "update identity_state.run set stage = 'committed'",
        ),
        (
            "as many records were replaced as there are",
            "update identity_state.run set replaced = replaced + 10000",
            "update identity_state.run set replaced = replaced - 10000",
        ),
        (
            "an erasure took changes out of the store",
            "create or replace temp table kept as from store.identity_change;"
            "delete from store.identity_change where change_id = "
            "(select min(change_id) from store.identity_change)",
            "create or replace table store.identity_change as from kept",
        ),
        (
            "an erasure took a record out of the map",
            "create or replace temp table kept as from store.identity_map;"
            "delete from store.identity_map where record_key = "
            "(select min(record_key) from store.identity_map)",
            "create or replace table store.identity_map as from kept",
        ),
        (
            "a person decided that a device stays shared",
            "insert into store.identity_override values "
            "('o', 'keep_shared', 'device_id', md5('hash'), null, null)",
            "delete from store.identity_override where override_id = 'o'",
        ),
    ],
)
def test_a_full_build_is_called_for_after(
    ran: tuple[Warehouse, Given], why: str, done: str, undone: str
) -> None:
    connection, _ = ran
    connection.execute(done)
    assert solved(ran) is None, why
    connection.execute(undone)


def test_other_rules_or_code_call_for_a_full_build(ran: tuple[Warehouse, Given]) -> None:
    assert solved(ran, digest="of another project") is None


def test_a_scope_above_the_share_changes_nothing(ran: tuple[Warehouse, Given]) -> None:
    connection, _ = ran
    table = "staging.stg_crm__contacts"
    connection.execute(f"create or replace temp table kept as from {table}")
    connection.execute(f"update {table} set country = 'IE'")
    before = state.current(connection)
    assert solved(ran, share=0.01) is None
    assert state.current(connection) == before
    connection.execute(f"create or replace table {table} as from kept")


def test_the_second_half_of_another_run_is_no_increment(ran: tuple[Warehouse, Given]) -> None:
    connection, given = ran
    assert state.current(connection) is not None
    assert step.update_persons(connection, given.models, given.as_of) is None


def test_identity_built_in_part_calls_for_a_full_build(
    compiled: Mapping[str, Any], matching: Model
) -> None:
    world = World(random.Random(2), size=6)
    world.begin()
    connection, given = created(), Given(compiled, matching, world, AS_OF)
    land(connection, world)
    run(connection, given)
    state.forget(connection)
    assert run(connection, replace(given, as_of=AS_OF + timedelta(days=1))) is None


def test_a_hash_of_code_and_of_the_key_is_part_of_what_a_state_is_good_for(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "one.sql").write_text("select 1")
    before = state.digest_of(tmp_path, "one key")
    assert state.digest_of(tmp_path, "one key") == before
    assert state.digest_of(tmp_path, "another key") != before
    (tmp_path / "models" / "one.sql").write_text("select 2")
    assert state.digest_of(tmp_path, "one key") != before
    code = tmp_path / "code"
    code.mkdir()
    (code / "step.py").write_text("pass")
    monkeypatch.setattr(state, "_CODE", (code,))
    changed = state.digest_of(tmp_path, "one key")
    (code / "step.py").write_text("...")
    assert state.digest_of(tmp_path, "one key") != changed
