"""Decisions at the moment of activation: latency, rate and memory with many people loaded.

    python -m tests.benchmarks.moment [PERSONS [DECISIONS [CALLERS]]]

Counted is the whole of `decide_one` for one person and one node, with the read copy's bundle, the
consent lookup in a live ledger on SQLite (one event for three persons), every gate, and the
decision durable in the log by group commit; sealing runs meanwhile. Persons are drawn evenly, so
nothing is warm. Two processes share the copy's pages; each has its own half of the persons.

Four shapes: one caller alone; one in each process, as a service that serves one request at a time
on each core, which the goal is held against; CALLERS that ask again as soon as they are answered,
which gives the rate (their latency is their number through the rate, whatever the engine); and
requests that come at random at the goal's rate, whose latency counts from when they came, waiting
included.

The baseline is what a batch would cost: the compiled SQL for one person, on the same copy's tables.
"""

import gc
import multiprocessing
import os
import random
import resource
import sys
import tempfile
import threading
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb

from activation.consent import ledger
from activation.decisions import decide
from activation.journeys import load
from activation.log import DecisionLog
from activation.moment import DecisionPoint, Rules, publish_copy
from activation.store import open_store, transaction
from tests.activation.decisions.bulk import create_bulk_world
from tests.activation.decisions.variants import release_of
from tests.activation.decisions.worlds import AS_OF
from tests.activation.log.worlds import KEY
from tests.activation.moment.people import REGIMES, create_state, said

JOURNEYS = load(Path(__file__).parents[2] / "activation" / "journeys")
RELEASE = release_of("r_now")
PROCESSES = 2
GOAL_RATE, GOAL_P99_MS = 2_000, 5.0
NODES = ("renewal_reminder_day_90", "claim_update_day_3", "onboarding_nudge_stalled")


def main() -> None:
    persons, decisions, callers = (
        int(sys.argv[at]) if len(sys.argv) > at else default
        for at, default in ((1, 1_000_000), (2, 20_000), (3, 16))
    )
    with tempfile.TemporaryDirectory() as place:
        build(Path(place), persons)
        measure(Path(place), persons, decisions // 10, 1)
        measure(Path(place), persons, decisions, PROCESSES)
        measure(Path(place), persons, decisions, callers)
        measure(Path(place), persons, decisions, 2 * callers, GOAL_RATE)


def build(home: Path, persons: int) -> None:
    """Write the ledger and publish the copy; print what both cost and the baseline."""
    store = open_store(f"sqlite:///{home / 'assent.sqlite'}")
    for start in range(0, persons, 90_000):
        events = [
            said(f"p_{who}", ("granted", "withdrawn", "granted")[who // 3 % 3], who)
            for who in range(start, min(start + 90_000, persons), 3)
        ]
        with transaction(store) as writing:
            ledger.append(writing, events)
    store.dispose()
    with duckdb.connect(str(home / "warehouse.duckdb"), config={"threads": 2}) as connection:
        create_bulk_world(connection, persons, seed=7, permits=False)
        create_state(connection)
        connection.execute(
            "insert into consent.con_persons "
            "select person_id, 'GB', true, true, false from contexts.ctx_person"
        )
        connection.execute(
            "insert into identity.id_person_identifiers select person_id, 'email', "
            "person_id || '@example.com', 'ok', 'A', false from contexts.ctx_person"
        )
        before = time.process_time()
        folder = publish_copy(connection, home / "copies", journeys=JOURNEYS, as_of=AS_OF)
        size = sum(path.stat().st_size for path in folder.iterdir())
        print(
            f"{persons:,} persons; published in {time.process_time() - before:.1f} CPU s, "
            f"{size / 1e6:,.0f} MB"
        )
        for context in ("ctx_policy", "ctx_claim", "ctx_account", "ctx_ticket", "ctx_customer"):
            connection.execute(f"alter table contexts.{context} rename to every_{context}")
            connection.execute(
                f"create view contexts.{context} as select * from contexts.every_{context} "
                "where person_id = 'p_7'"
            )
        before = time.process_time()
        decide(connection, journeys=JOURNEYS, release=RELEASE, as_of=AS_OF)
        print(f"baseline, the batch's SQL for one person: {time.process_time() - before:.3f} CPU s")


def measure(
    home: Path, persons: int, decisions: int, callers: int, rate: int | None = None
) -> None:
    """Ask from `callers` threads, spread over the processes, and print the figures.

    `rate` is how many requests come in a second; without it, callers ask one after the other.
    """
    processes = min(PROCESSES, callers)
    context = multiprocessing.get_context("spawn")
    results: Any = context.Queue()
    ready = context.Barrier(processes)
    workers = [
        context.Process(
            target=work,
            args=(
                home,
                persons,
                decisions // processes,
                callers // processes,
                rate / callers if rate else None,
                number,
                ready,
                results,
            ),
        )
        for number in range(processes)
    ]
    for worker in workers:
        worker.start()
    found = [results.get() for _ in workers]
    for worker in workers:
        worker.join()
    took = sorted(one for result in found for one in result["took"])
    count = len(took)
    wall = max(result["wall"] for result in found)
    cpu = sum(result["cpu"] for result in found)
    at = [took[int(count * share)] * 1e3 for share in (0.5, 0.95, 0.99)]
    shape = f", {rate:,} requests a second" if rate else ""
    print(
        f"{callers:3d} callers in {processes} processes{shape}: {count / wall:,.0f} decisions per "
        f"second of wall time (goal {GOAL_RATE:,}), {cpu / count * 1e6:,.0f} CPU us each = "
        f"{2 * count / cpu:,.0f} per second on two free cores; "
        f"p50 {at[0]:.2f} ms, p95 {at[1]:.2f} ms, p99 {at[2]:.2f} ms (goal {GOAL_P99_MS}); "
        f"opened in {max(r['opened'] for r in found):.2f} s, "
        f"{max(r['rss'] for r in found):,.0f} MB resident, {sum(r['rows'] for r in found):,} rows; "
        f"judging without the log p99 {max(r['judging'] for r in found):.2f} ms"
    )


def work(
    home: Path,
    persons: int,
    decisions: int,
    callers: int,
    rate: float | None,
    number: int,
    ready: Any,
    results: Any,
) -> None:
    """One process: its own decision point, `callers` threads."""
    store = open_store(f"sqlite:///{home / 'assent.sqlite'}")
    log = DecisionLog(home / f"log_{number}_{callers}_{rate}", signing_key=KEY, entropy=os.urandom)
    rules = Rules(JOURNEYS, RELEASE, REGIMES)
    started = time.perf_counter()
    with log.stream() as stream:
        point = DecisionPoint(
            copies=home / "copies", store=store, log=log, stream=stream, rules=lambda _person: rules
        )
        opened = time.perf_counter() - started
        # As a service does: collecting what stays anyway stops every thread for 0.1 s.
        gc.collect()
        gc.freeze()
        took: list[float] = []
        rows: list[int] = []

        def call(mine: int) -> None:
            rng = random.Random(mine)
            due = time.perf_counter()
            for turn in range(decisions // callers):
                who = f"p_{rng.randrange(persons // PROCESSES) * PROCESSES + number}"
                at = AS_OF + timedelta(minutes=1, microseconds=turn * callers + mine)
                nodes = [rng.choice(NODES)]
                if rate:
                    due += rng.expovariate(rate)
                    time.sleep(max(0.0, due - time.perf_counter()))
                before = due if rate else time.perf_counter()
                found = point.decide_one(who, at=at, nodes=nodes)
                took.append(time.perf_counter() - before)
                rows.append(len(found))

        threads = [threading.Thread(target=call, args=(mine,)) for mine in range(callers)]
        ready.wait()
        before, spent = time.perf_counter(), time.process_time()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        wall, spent = time.perf_counter() - before, time.process_time() - spent
        judging = judged(point, persons, number)
    results.put(
        {
            "took": took,
            "wall": wall,
            "cpu": spent,
            "rows": sum(rows),
            "opened": opened,
            "judging": judging,
            "rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        }
    )
    store.dispose()


def judged(point: DecisionPoint, persons: int, number: int) -> float:
    """p99 in ms of CPU time of deciding alone, without the disk."""
    rng = random.Random(-number)
    took = []
    for turn in range(1_000):
        at = AS_OF + timedelta(minutes=2, microseconds=turn)
        who = f"p_{rng.randrange(persons)}"
        before = time.thread_time()
        point.decide_one(who, at=at, nodes=[rng.choice(NODES)], record=False)
        took.append(time.thread_time() - before)
    return sorted(took)[990] * 1e3


if __name__ == "__main__":
    main()
