"""What a run of decisions costs, against the least it could: scan the inputs, write the rows.

    python -m tests.benchmarks.decide [persons]

Prints CPU seconds of this process (best of three), so that other work on the machine matters less.
"""

import resource
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from activation.decisions import decide
from activation.journeys import load
from activation.log import DecisionLog
from activation.release import build
from tests.activation.decisions.bulk import create_bulk_world
from tests.activation.log.worlds import KEY

AS_OF = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
SCANNED = (
    "contexts.ctx_policy",
    "contexts.ctx_claim",
    "contexts.ctx_account",
    "contexts.ctx_ticket",
    "contexts.ctx_customer",
    "contexts.ctx_person",
    "consent.con_permits",
    "activation.decision_log",
)


def cpu_seconds(work: Callable[[], object]) -> float:
    """Least CPU time, user and system, of three calls."""
    spent = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_SELF)
        work()
        after = resource.getrusage(resource.RUSAGE_SELF)
        spent.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(spent)


def main(persons: int) -> None:
    """Build a world, decide it, and print the figures."""
    journeys = load(Path(__file__).parents[2] / "activation" / "journeys")
    connection = duckdb.connect(config={"threads": 2})
    create_bulk_world(connection, persons, seed=7)
    with tempfile.TemporaryDirectory() as folder:
        regimes = Path(folder) / "regimes.yml"
        regimes.write_text("regimes: {}\n", encoding="utf-8")
        release = build(journeys, regimes)
    rows = decide(connection, journeys=journeys, release=release, as_of=AS_OF)
    connection.register("decided", rows)

    def scan() -> None:
        for table in SCANNED:
            connection.execute(f"select bit_xor(hash(t)) from {table} as t").fetchall()

    deciding = cpu_seconds(
        lambda: decide(connection, journeys=journeys, release=release, as_of=AS_OF)
    )
    bound = cpu_seconds(scan) + cpu_seconds(
        lambda: connection.execute("create or replace table written as from decided")
    )

    def seal() -> None:
        with tempfile.TemporaryDirectory() as place:
            log = DecisionLog(Path(place), signing_key=KEY)
            log.append(rows, as_of=AS_OF, release=release.id, sealed_at=AS_OF)

    sealing = cpu_seconds(seal)
    full = deciding + sealing
    print(
        f"decide and seal {full:.2f} CPU s, {full / bound:.1f} x scan and write (goal 10); "
        f"per 1M persons {full * 1e6 / persons:.1f} CPU s (goal 12)"
    )
    print(f"persons {persons:,}, decisions {rows.num_rows:,}")
    print(f"decide {deciding:.2f} s, scan and write {bound:.2f} s, ratio {deciding / bound:.1f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
