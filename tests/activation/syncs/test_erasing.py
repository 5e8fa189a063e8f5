"""A person is removed from a destination: sets and actions, until every removal is acknowledged."""

from pathlib import Path

import pyarrow.parquet as pq
from sqlalchemy import Engine, func, select

from activation.connectors.files import FilesConnector
from activation.privacy.permit import permitted
from activation.store import transaction
from activation.store.tables import sync_intent, sync_outcome, sync_state
from activation.syncs.erasing import DestinationReceipt, erase_at_destination, forget_person
from activation.syncs.spec import SyncSpec
from tests.activation.syncs.destination import MemoryDestination
from tests.activation.syncs.world import (
    ACTIONS,
    AS_OF,
    AUDIENCES,
    IMPATIENT,
    actions,
    address_of,
    members,
    sync,
)


def _erase(
    engine: Engine, connector: MemoryDestination | FilesConnector, spec: SyncSpec = ACTIONS
) -> DestinationReceipt:
    return erase_at_destination(
        spec,
        person_ids=["p_0001"],
        engine=engine,
        connector=connector,
        as_of=AS_OF,
        run_id="erasure",
        retry=IMPATIENT,
    )


def _held(engine: Engine, person_id: str) -> int:
    with engine.connect() as connection:
        count: int = connection.execute(
            select(func.count()).select_from(sync_state).where(sync_state.c.person_id == person_id)
        ).scalar_one()
    return count


def test_actions_are_asked_back_too_and_others_stay(engine: Engine) -> None:
    destination = MemoryDestination()
    sync(engine, destination, actions(range(3), per_person=2))
    receipt = _erase(engine, destination)
    assert (receipt.held, receipt.acknowledged, receipt.is_complete) == (2, 2, True)
    assert (_held(engine, "p_0001"), _held(engine, "p_0002")) == (0, 2)
    assert _erase(engine, destination).held == 0, "asking again asks for nothing"


def test_a_member_of_an_audience_leaves_it(engine: Engine) -> None:
    destination = MemoryDestination()
    sync(engine, destination, members([1, 2]), AUDIENCES)
    assert _erase(engine, destination, AUDIENCES).is_complete
    assert [key[-1] for key in destination.members] == ["p_0002"]


def test_a_destination_that_does_not_answer_leaves_the_erasure_open(engine: Engine) -> None:
    destination = MemoryDestination()
    sync(engine, destination, members([1, 2]), AUDIENCES)
    destination.script = ["503"] * 20
    receipt = _erase(engine, destination, AUDIENCES)
    assert (receipt.held, receipt.acknowledged, receipt.is_complete) == (1, 0, False)
    destination.script = []
    assert _erase(engine, destination, AUDIENCES).is_complete


def test_what_the_store_keeps_of_sends_goes_under_a_permit(engine: Engine) -> None:
    destination = MemoryDestination()
    sync(engine, destination, actions(range(3)))
    _erase(engine, destination)
    with transaction(engine) as connection, permitted(connection, "e_1"):
        gone = forget_person(connection, ["p_0001"])
    assert (gone["sync_intent"], gone["sync_outcome"]) == (2, 2)
    with engine.connect() as connection:
        persons = set(connection.scalars(select(sync_intent.c.person_id)))
        outcomes = connection.execute(select(func.count()).select_from(sync_outcome)).scalar_one()
    assert persons == {"p_0000", "p_0002"}
    assert outcomes == 2


def test_batches_in_the_outbox_lose_the_persons_rows_and_keep_the_others(
    engine: Engine, files: FilesConnector, outbox: Path
) -> None:
    sync(engine, files, actions(range(3)))
    assert files.erase("action", {"person_id": ["p_0001"], "address": [address_of(1)]}) == 1
    assert files.erase("action", {"person_id": ["p_0001"]}) == 0
    (batch,) = outbox.glob("demo/action/*/data.parquet")
    assert pq.read_table(batch)["person_id"].to_pylist() == ["p_0000", "p_0002"]
    for file in batch.parent.iterdir():
        assert address_of(1).encode() not in file.read_bytes()
        assert not file.name.startswith(".")
