"""Measure single decisions appended to the log with group commit, by number of callers.

    python -m tests.benchmarks.log_stream [DECISIONS]

The baseline is the same decisions appended one batch each, as if there were no journal.
"""

import os
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from activation.log import DecisionLog
from tests.activation.log.worlds import KEY, RELEASE, SEALED_AT, decisions, hour
from tests.benchmarks.log_seal_and_verify import cpu

CALLERS = (1, 8, 32)
GOAL = 2_000


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    rows: list[dict[str, Any]] = decisions(count).to_pylist()
    with tempfile.TemporaryDirectory() as place:
        alone = one_batch_each(Path(place) / "batches", rows[:50])
        print(f"baseline, one batch each: {alone:,.0f} decisions per second")
        for callers in CALLERS:
            streamed(Path(place) / str(callers), rows, callers, alone)


def one_batch_each(home: Path, rows: list[dict[str, Any]]) -> float:
    """Decisions per second of wall time when each is a batch of its own."""
    log = DecisionLog(home, signing_key=KEY, entropy=os.urandom)
    table = decisions(len(rows))
    started = time.perf_counter()
    for at in range(len(rows)):
        log.append(table.slice(at, 1), as_of=hour(1), release=RELEASE, sealed_at=SEALED_AT)
    return len(rows) / (time.perf_counter() - started)


def streamed(home: Path, rows: list[dict[str, Any]], callers: int, alone: float) -> None:
    """Print rate, latency and CPU of that many callers, sealing included."""
    log = DecisionLog(home, signing_key=KEY, entropy=os.urandom)
    took: list[float] = []
    spent, started = cpu(), time.perf_counter()
    with log.stream() as stream:

        def call(mine: list[dict[str, Any]]) -> None:
            for row in mine:
                before = time.perf_counter()
                stream.append([row])
                took.append(time.perf_counter() - before)

        threads = [
            threading.Thread(target=call, args=(rows[number::callers],))
            for number in range(callers)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    wall, spent = time.perf_counter() - started, cpu() - spent
    took.sort()
    rate = len(rows) / wall
    print(
        f"{callers:3d} callers: {rate:8,.0f} decisions per second (goal {GOAL:,}), "
        f"{rate / alone:5.1f} x the baseline, {spent / len(rows) * 1e6:5.0f} CPU us each, "
        f"p50 {took[len(took) // 2] * 1e3:.2f} ms, p99 {took[len(took) * 99 // 100] * 1e3:.2f} ms, "
        f"{len(log.batches())} batches, verifies: {log.verify().ok}"
    )


if __name__ == "__main__":
    main()
