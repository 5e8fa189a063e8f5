"""kill -9 between any two steps: nothing is lost, sent twice, or sent after a withdrawal."""

import random
import shutil
import time
from collections import Counter
from collections.abc import Iterator
from multiprocessing.context import ForkServerContext
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import Engine, func, select

from activation.store import open_store
from activation.store.tables_sync import sync_intent, sync_outcome
from activation.syncs import SyncReport, SyncSpec
from tests.activation.connectors.receiver import Receiver
from tests.activation.syncs.processes import processes_with
from tests.activation.syncs.test_audiences import replayed
from tests.activation.syncs.worker import HURRIED, Task, open_connector, perform
from tests.activation.syncs.world import ACTIONS, AUDIENCES, actions, members, record, sync

SEED = 20261120


@pytest.fixture(scope="module")
def processes() -> ForkServerContext:
    """Processes that start with everything imported."""
    return processes_with("tests.activation.syncs.worker")


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[list[Engine]]:
    opened: list[Engine] = []
    yield opened
    for engine in opened:
        engine.dispose()


def fresh_store(folder: Path, name: str, stores: list[Engine]) -> Engine:
    """A new store beside others, copied from an empty one because migrating takes long."""
    template = folder / "template.sqlite"
    if not template.exists():
        open_store(f"sqlite:///{template}").dispose()
    shutil.copy(template, folder / f"{name}.sqlite")
    stores.append(open_store(f"sqlite:///{folder / name}.sqlite"))
    return stores[-1]


def killed_at_step(context: ForkServerContext, task: Task) -> bool:
    """Run the task in a process; whether it was killed before it was done."""
    process = context.Process(target=perform, args=(task,))
    process.start()
    process.join()
    assert process.exitcode in (0, -9), process.exitcode
    return process.exitcode == -9


def finish(engine: Engine, destination: str, spec: SyncSpec, desired: pa.Table) -> SyncReport:
    connector = open_connector(destination)
    report = sync(engine, connector, desired, spec, run_id="last", retry=HURRIED)
    connector.close()
    return report


def all_settled(engine: Engine) -> bool:
    with engine.connect() as connection:
        open_ones = connection.scalar(
            select(func.count()).select_from(sync_intent).where(sync_intent.c.state == "open")
        )
    return open_ones == 0


def test_actions_by_webhook_survive_a_kill_at_every_step(
    tmp_path: Path, processes: ForkServerContext, receiver: Receiver, stores: list[Engine]
) -> None:
    kills = 0
    while True:
        engine = fresh_store(tmp_path, f"s{kills}", stores)
        receiver.arrivals.clear()
        receiver._seen.clear()
        task = Task(
            str(engine.url), receiver.url, ACTIONS, actions(range(8)), "first", kill_at=kills + 1
        )
        was_killed = killed_at_step(processes, task)
        record(engine, 1)
        withdrawn_at = time.monotonic()
        finish(engine, receiver.url, ACTIONS, actions(range(8)))
        taken = Counter(arrival.data["person_id"] for arrival in receiver.taken())
        assert taken.pop("p_0001", 0) <= 1
        assert taken == {f"p_{p:04}": 1 for p in (0, *range(2, 8))}, f"killed at step {kills + 1}"
        assert not [
            arrival
            for arrival in receiver.arrivals
            if arrival.data["person_id"] == "p_0001" and arrival.at > withdrawn_at
        ]
        assert all_settled(engine)
        if not was_killed:
            break
        kills += 1
    assert kills >= 10


def test_files_survive_a_kill_at_every_step(
    tmp_path: Path, processes: ForkServerContext, stores: list[Engine]
) -> None:
    kills = 0
    while True:
        engine = fresh_store(tmp_path, f"s{kills}", stores)
        outbox = tmp_path / f"outbox{kills}"
        task = Task(
            str(engine.url), str(outbox), ACTIONS, actions(range(4)), "first", kill_at=kills + 1
        )
        was_killed = killed_at_step(processes, task)
        record(engine, 1)
        finish(engine, str(outbox), ACTIONS, actions(range(4)))
        batches = sorted((outbox / "demo" / "action").glob("[!.]*"))
        sent = Counter(
            p for b in batches for p in pq.read_table(b / "data.parquet")["person_id"].to_pylist()
        )
        assert sent.pop("p_0001", 0) <= 1
        assert sent == {"p_0000": 1, "p_0002": 1, "p_0003": 1}, f"killed at step {kills + 1}"
        assert all_settled(engine)
        if not was_killed:
            break
        kills += 1
    assert kills >= 8


def test_audiences_converge_after_a_kill_at_every_step(
    tmp_path: Path, processes: ForkServerContext, receiver: Receiver, stores: list[Engine]
) -> None:
    kills = 0
    while True:
        engine = fresh_store(tmp_path, f"s{kills}", stores)
        receiver.arrivals.clear()
        receiver._seen.clear()
        finish(engine, receiver.url, AUDIENCES, members([0, 1, 2]))
        desired = pa.concat_tables([members([1]), members([2], name="New"), members([3, 4])])
        task = Task(str(engine.url), receiver.url, AUDIENCES, desired, "second", kill_at=kills + 1)
        was_killed = killed_at_step(processes, task)
        record(engine, 3)
        finish(engine, receiver.url, AUDIENCES, desired)
        assert replayed(receiver) == {"p_0001", "p_0002", "p_0004"}, f"killed at {kills + 1}"
        assert finish(engine, receiver.url, AUDIENCES, desired).calls == 0
        if not was_killed:
            break
        kills += 1
    assert kills >= 10


def test_random_kills_and_faults_lose_nothing_and_send_nothing_twice(
    tmp_path: Path, processes: ForkServerContext, receiver: Receiver, stores: list[Engine]
) -> None:
    """Thirty kills of a sync whose destination misbehaves, with withdrawals between them."""
    rng = random.Random(SEED)
    engine = fresh_store(tmp_path, "store", stores)
    modes = ("503", "429", "drop", "taken_drop", "taken_500", "taken_cut", "slow", "ok")
    weights = (4, 3, 4, 6, 4, 3, 2, 74)
    receiver.fault = lambda _: rng.choices(modes, weights)[0]
    withdrawn_at: dict[str, float] = {}
    kills = rounds = 0
    while kills < 30 or receiver.faults.total() < 60 or len(receiver.faults) < 7:
        rounds += 1
        assert rounds < 120, f"{kills} kills and {receiver.faults} landed in {rounds} rounds"
        task = Task(
            str(engine.url), receiver.url, ACTIONS, actions(range(20 * rounds)), f"run_{rounds}"
        )
        requests = receiver.requests
        waiting, ready = processes.Pipe(duplex=False)
        process = processes.Process(target=perform, args=(task, ready))
        process.start()
        waiting.recv()
        # One kill in four lands before the first request, the others while it sends.
        if rng.random() > 0.25:
            while process.is_alive() and receiver.requests == requests:
                process.join(timeout=0.005)
        process.join(timeout=rng.uniform(0.0, 0.15))
        kills += process.is_alive()
        process.kill()
        process.join()
        # What the killed process had handed to the network arrives before the withdrawals commit.
        time.sleep(0.08)
        for person in rng.sample(range(20 * rounds), 3):
            record(engine, person)
            withdrawn_at.setdefault(f"p_{person:04}", time.monotonic())
    receiver.fault = lambda _: "ok"
    people = range(20 * rounds)
    finish(engine, receiver.url, ACTIONS, actions(people))

    taken = Counter(arrival.data["decision_id"] for arrival in receiver.taken())
    lost = {f"d_{p:04}_0" for p in people if f"p_{p:04}" not in withdrawn_at} - taken.keys()
    late = [
        arrival
        for arrival in receiver.arrivals
        if arrival.at > withdrawn_at.get(arrival.data["person_id"], float("inf"))
    ]
    assert (len(lost), max(taken.values()), len(late)) == (0, 1, 0)
    assert all_settled(engine)
    with engine.connect() as connection:
        acknowledged = connection.scalars(
            select(sync_intent.c.decision_id)
            .join(sync_outcome, sync_outcome.c.intent_seq == sync_intent.c.seq)
            .where(sync_outcome.c.outcome == "accepted")
        ).all()
    assert set(acknowledged) <= taken.keys()
    assert len(acknowledged) == len(set(acknowledged))
