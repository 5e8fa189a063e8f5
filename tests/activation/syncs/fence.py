"""Withdrawals against sends: processes that sync, one that withdraws, and whoever kills them.

The oracle does not trust what the engine writes about itself. Right after a withdrawal has
committed, the process that made it counts the person's intents; any intent beyond that count at
the end was recorded after the withdrawal. What a sync admitted, withheld or repeated, and each
withdrawal, is one step.
"""

import os
import random
import signal
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from multiprocessing.queues import Queue
from typing import Any

import pyarrow as pa
from sqlalchemy import Engine, func, select

from activation.connectors.protocol import (
    Batch,
    Capabilities,
    ErrorClass,
    Idempotency,
    Operation,
    RemovalAddress,
    RowOutcome,
)
from activation.consent.events import ConsentEvent
from activation.consent.ledger import append
from activation.store import open_store, transaction
from activation.store.tables_sync import sync_intent, sync_withheld
from activation.syncs import gate as sync_gate
from tests.activation.syncs.processes import processes_with
from tests.activation.syncs.world import ACTIONS, AS_OF, IMPATIENT, actions, identifiers, sync

WORKERS = 2


@dataclass(frozen=True)
class Plan:
    """What to do: persons, how many of them withdraw, and the pause between withdrawals (s)."""

    store_url: str
    persons: int
    withdrawing: int
    pause: float
    seed: int
    unfenced: bool = False
    """Whether the syncs ask the ledger only once, as a broken engine would."""


@dataclass(frozen=True)
class Result:
    """What happened. `raced` are withdrawn persons to whom something had been sent before and
    something was withheld after: their withdrawal came while syncs were running."""

    steps: int
    withdrawals: int
    raced: int
    kills: int
    violations: int


class Flaky:
    """A destination that takes rows, fails some for a while and leaves some in doubt."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self.calls = 0

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            operations=frozenset(Operation),
            max_rows=200,
            idempotency=Idempotency.KEY,
            can_confirm=False,
            removal_address=RemovalAddress.NONE,
        )

    def deliver(self, batch: Batch) -> Sequence[RowOutcome]:
        self.calls += 1
        if self._random.random() < 0.02:
            return [RowOutcome(one, ErrorClass.TRANSIENT) for one in batch.delivery_ids]
        drawn = ((one, self._random.random()) for one in batch.delivery_ids)
        return [RowOutcome(one, ErrorClass.IN_DOUBT if x < 0.001 else None) for one, x in drawn]

    def confirm(self, object_name: str, batches: Mapping[str, Sequence[str]]) -> Mapping[str, bool]:
        del object_name
        return {one: True for ids in batches.values() for one in ids}

    def close(self) -> None:
        """Nothing to let go of."""


def race(plan: Plan, *, kill_every: float) -> Result:
    """Run the syncs until everybody who withdraws has done so, killing a sync now and then."""
    engine = open_store(plan.store_url)
    context = processes_with("tests.activation.syncs.fence")
    counted: Queue[dict[str, int]] = context.Queue()
    syncing = [_start(context, plan, number) for number in range(WORKERS)]
    withdrawing = context.Process(target=withdraw, args=(plan, counted))
    withdrawing.start()
    kills, seen = 0, {}
    draw = random.Random(plan.seed)
    next_kill = time.monotonic() + kill_every
    while len(seen) < plan.withdrawing:
        if not counted.empty():
            seen |= counted.get()
        elif time.monotonic() >= next_kill:
            number = draw.randrange(WORKERS)
            kills += _kill(syncing[number])
            syncing[number] = _start(context, plan, number)
            next_kill = time.monotonic() + kill_every * draw.uniform(0.5, 1.5)
        else:
            time.sleep(0.005)
    withdrawing.join()
    for process in syncing:
        _kill(process)
    result = _judge(engine, seen, kills)
    engine.dispose()
    return result


def keep_syncing(plan: Plan, number: int, first_run: int) -> None:
    """Sync the same persons again and again, each time something new, never told who withdrew."""
    if plan.unfenced:
        _remove_the_fence()
    engine = open_store(plan.store_url)
    # a destination of its own: two runs never write to one
    spec = ACTIONS.model_copy(update={"name": f"demo_{number}", "destination": f"demo_{number}"})
    everybody = identifiers(range(plan.persons))
    run = first_run
    while True:
        run += 1
        decided = actions(range(plan.persons))
        ids = [f"{number}_{run}_{one}" for one in decided["decision_id"].to_pylist()]
        desired = decided.set_column(0, "decision_id", pa.array(ids))
        sync(
            engine,
            Flaky(plan.seed + run),
            desired,
            spec,
            identifiers=everybody,
            run_id=f"{number}_{run}",
            retry=IMPATIENT,
        )


def withdraw(plan: Plan, counted: "Queue[dict[str, int]]") -> None:
    """Withdraw some persons at a time; after each commit, say how many intents each has."""
    engine = open_store(plan.store_url)
    draw = random.Random(plan.seed)
    waiting = draw.sample(range(plan.persons), plan.withdrawing)
    _wait_for_the_first_intent(engine)
    while waiting:
        some = [waiting.pop() for _ in range(min(len(waiting), draw.randint(1, 5)))]
        with transaction(engine) as connection:
            append(connection, [_withdrawal(person) for person in some])
        counted.put(intents_of(engine, [f"p_{person:04}" for person in some]))
        time.sleep(plan.pause * draw.random() * 2)
    engine.dispose()


def intents_of(engine: Engine, persons: Iterable[str]) -> dict[str, int]:
    """The number of intents to send that are committed, by person; 0 where there is none."""
    counts = dict.fromkeys(persons, 0)
    statement = (
        select(sync_intent.c.person_id, func.count())
        .where(sync_intent.c.person_id.in_(list(counts)))
        .group_by(sync_intent.c.person_id)
    )
    with engine.connect() as connection:
        return counts | {str(row[0]): int(row[1]) for row in connection.execute(statement)}


def _judge(engine: Engine, seen: Mapping[str, int], kills: int) -> Result:
    persons, final = sorted(seen), {}
    for start in range(0, len(persons), 500):
        final |= intents_of(engine, persons[start : start + 500])
    with engine.connect() as connection:
        sent = connection.scalar(select(func.count()).select_from(sync_intent)) or 0
        withheld = connection.scalar(select(func.count()).select_from(sync_withheld)) or 0
        stopped = set(connection.scalars(select(sync_withheld.c.person_id).distinct()))
    return Result(
        steps=sent + withheld + len(seen),
        withdrawals=len(seen),
        raced=sum(count > 0 and person in stopped for person, count in seen.items()),
        kills=kills,
        violations=sum(final[person] - count for person, count in seen.items()),
    )


def _withdrawal(person: int) -> ConsentEvent:
    return ConsentEvent(
        event_id=f"e_{person}",
        identifier_type="customer_number",
        identifier=f"{person:07}",
        purpose="*",
        channel="*",
        action="withdrawn",
        source="preference_centre",
        occurred_at=AS_OF,
        recorded_at=AS_OF,
    )


def _wait_for_the_first_intent(engine: Engine) -> None:
    while True:
        with engine.connect() as connection:
            if connection.scalar(select(sync_intent.c.seq).limit(1)) is not None:
                return
        time.sleep(0.01)


def _start(context: ForkServerContext, plan: Plan, number: int) -> BaseProcess:
    first_run = time.monotonic_ns()
    process = context.Process(target=keep_syncing, args=(plan, number, first_run), daemon=True)
    process.start()
    return process


def _kill(process: BaseProcess) -> int:
    """Kill the process; 1 if it was alive."""
    alive = process.is_alive()
    if process.pid is not None and alive:
        os.kill(process.pid, signal.SIGKILL)
    process.join()
    return int(alive)


def _remove_the_fence() -> None:
    first_look = sync_gate.Gate.refresh
    looked: set[int] = set()

    def refresh(gate: Any, connection: Any) -> int:
        if id(gate) in looked:
            return int(gate._seen)
        looked.add(id(gate))
        return first_look(gate, connection)

    sync_gate.Gate.refresh = refresh  # type: ignore[method-assign]
