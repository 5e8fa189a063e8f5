"""Withdrawals that commit while a sync runs: every intent comes before them or not at all."""

import threading
from pathlib import Path

import pyarrow as pa
from sqlalchemy import Engine, select

from activation.connectors.files import FilesConnector
from activation.connectors.protocol import Operation
from activation.connectors.webhook import WebhookConnector
from activation.store.tables_consent import consent_event
from activation.store.tables_sync import sync_intent
from tests.activation.connectors.receiver import Receiver
from tests.activation.syncs.test_audiences import replayed
from tests.activation.syncs.world import AUDIENCES, actions, members, record, sync


def withdrawals(engine: Engine) -> dict[str, int]:
    """person_id -> seq of the withdrawal."""
    with engine.connect() as connection:
        return {
            f"p_{int(row.identifier):04}": row.seq
            for row in connection.execute(select(consent_event))
        }


def test_no_intent_follows_a_committed_withdrawal(
    store: Engine, webhook: WebhookConnector, receiver: Receiver
) -> None:
    people = list(range(400))
    started = threading.Event()
    receiver.fault = lambda _: started.set() or "ok"  # type: ignore[func-returns-value]

    def withdraw() -> None:
        started.wait(30)
        for person in reversed(people[::4]):
            record(store, person)

    thread = threading.Thread(target=withdraw)
    thread.start()
    report = sync(store, webhook, actions(people))
    thread.join()

    withdrawn = withdrawals(store)
    with store.connect() as connection:
        intents = connection.execute(select(sync_intent)).all()
    violations = [i for i in intents if withdrawn.get(i.person_id, 1 << 60) <= i.ledger_seq]
    assert violations == []
    assert 0 < report.withheld["withdrawn"] < len(withdrawn)
    assert report.sent + report.withheld["withdrawn"] == len(people)


def test_an_audience_ends_without_who_withdrew_meanwhile(
    engine: Engine, webhook: WebhookConnector, receiver: Receiver
) -> None:
    people = list(range(200))
    started = threading.Event()
    receiver.fault = lambda _: started.set() or "ok"  # type: ignore[func-returns-value]

    def withdraw() -> None:
        started.wait(30)
        for person in people[:100:5]:
            record(engine, person)

    thread = threading.Thread(target=withdraw)
    thread.start()
    sync(engine, webhook, members(people), AUDIENCES)
    thread.join()
    sync(engine, webhook, None, AUDIENCES)
    assert replayed(receiver) == {f"p_{p:04}" for p in people} - withdrawals(engine).keys()


def test_actions_and_audiences_work_on_either_store(store: Engine, tmp_path: Path) -> None:
    files = FilesConnector(tmp_path / "outbox", "demo")
    assert sync(store, files, actions(range(600))).sent == 600
    assert sync(store, files, actions(range(600))).calls == 0
    sync(store, files, members([1, 2, 3]), AUDIENCES)
    record(store, 1)
    changed = pa.concat_tables([members([1]), members([2], name="New"), members([4])])
    report = sync(store, files, changed, AUDIENCES)
    assert (report.removed, report.sent, report.withheld) == (2, 2, {"withdrawn": 1})
    with store.connect() as connection:
        operations = connection.scalars(select(sync_intent.c.op).distinct()).all()
    assert set(operations) == {operation.value for operation in Operation}
