"""A halted node: from the commit of its halt nothing of it is sent, whatever was decided before."""

import threading

from sqlalchemy import Engine, func, select

from activation.connectors.files import FilesConnector
from activation.connectors.webhook import WebhookConnector
from activation.release.halts import halt, resume
from activation.store import transaction
from activation.store.tables_sync import sync_intent, sync_withheld
from tests.activation.connectors.receiver import Receiver
from tests.activation.syncs.world import AS_OF, AUDIENCES, actions, members, sync


def stop(engine: Engine, node: str) -> None:
    with transaction(engine) as connection:
        halt(connection, node, reason="wrong price", actor="ana", at=AS_OF)


def count_intents(engine: Engine) -> int:
    with engine.connect() as connection:
        return connection.execute(select(func.count()).select_from(sync_intent)).scalar_one()


def test_what_a_halted_node_decided_is_held_back_and_the_others_are_sent(
    engine: Engine, files: FilesConnector
) -> None:
    stop(engine, "renewal")
    report = sync(engine, files, actions(range(4), node=["renewal", "claim", "renewal", None]))
    assert report.withheld["node_halted"] == 2
    assert report.sent == 2
    with engine.connect() as connection:
        held = connection.execute(select(sync_withheld.c.decision_id, sync_withheld.c.reason))
        assert sorted(map(tuple, held)) == [
            ("d_0000_0", "node_halted"),
            ("d_0002_0", "node_halted"),
        ]


def test_what_was_held_back_is_sent_once_the_node_goes_on(
    engine: Engine, files: FilesConnector
) -> None:
    decided = actions(range(2), node=["renewal", "renewal"])
    stop(engine, "renewal")
    assert sync(engine, files, decided).sent == 0
    with transaction(engine) as connection:
        resume(connection, "renewal", reason="mended", actor="ana", at=AS_OF)
    assert sync(engine, files, decided).sent == 2


def test_a_halted_audience_gains_nobody_and_may_lose_members(
    engine: Engine, files: FilesConnector
) -> None:
    assert sync(engine, files, members([1, 2]), AUDIENCES).sent == 2
    stop(engine, "cross_sell")
    report = sync(engine, files, members([2, 3]), AUDIENCES)
    assert report.withheld["node_halted"] == 1
    assert (report.sent, report.removed) == (0, 1)


def test_a_halt_during_a_run_stops_the_next_batch_and_no_intent_follows_it(
    store: Engine, webhook: WebhookConnector, receiver: Receiver
) -> None:
    people = list(range(400))
    started, stopped = threading.Event(), threading.Event()
    receiver.fault = lambda _: started.set() or (stopped.wait(30) and "ok") or "ok"  # type: ignore[func-returns-value]
    intents_at_the_halt: list[int] = []

    def halting() -> None:
        started.wait(30)
        stop(store, "renewal")
        intents_at_the_halt.append(count_intents(store))
        stopped.set()

    thread = threading.Thread(target=halting)
    thread.start()
    report = sync(store, webhook, actions(people, node=["renewal"] * len(people)))
    thread.join()

    assert 0 < intents_at_the_halt[0] < len(people)
    assert count_intents(store) == intents_at_the_halt[0]
    assert report.withheld["node_halted"] == len(people) - intents_at_the_halt[0]


def test_an_attempt_without_an_outcome_stays_in_doubt_when_a_halt_stops_the_next(
    store: Engine, webhook: WebhookConnector, receiver: Receiver
) -> None:
    def fault(request: int) -> str:
        if request > 1:
            return "ok"
        stop(store, "renewal")
        return "taken_drop"

    receiver.fault = fault
    report = sync(store, webhook, actions(range(3), node=["renewal"] * 3))

    assert (report.sent, report.in_doubt, report.withheld.total()) == (2, 1, 0)
    assert report.balances()
    assert len(receiver.taken()) == 3
    with store.connect() as connection:
        assert connection.scalars(select(sync_withheld.c.reason)).all() == ["node_halted"]
