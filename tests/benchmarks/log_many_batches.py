"""Measure a log of many tiny batches, as decisions one by one leave it: append, verify, prove.

    python -m tests.benchmarks.log_many_batches [BATCHES]

The baseline is the same decisions in one batch. The log stands in memory (/dev/shm) where there is
such a place, so that the figures are CPU time and not the disk's.
"""

import sys
import tempfile
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path

import pyarrow as pa

from activation.log import DecisionLog
from activation.log.rows import INSTANT
from tests.activation.log.worlds import KEY, RELEASE, SEALED_AT, decisions, hour
from tests.benchmarks.log_seal_and_verify import cpu

MEMORY = Path("/dev/shm")  # noqa: S108 - a benchmark's own folder is made below it


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    rows = apart(decisions(count))
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as place:
        many = DecisionLog(Path(place) / "many", signing_key=KEY)
        one = DecisionLog(Path(place) / "one", signing_key=KEY)
        marks = {0, count // 10, count // 2, count - count // 20}
        for at in range(count):
            if at in marks:
                started, first = cpu(), at
            row = rows.slice(at, 1)
            as_of = row["as_of"][0].as_py()
            many.append(row, as_of=as_of, release=RELEASE, sealed_at=SEALED_AT)
            if at == first + count // 20 - 1:
                each = (cpu() - started) / (count // 20)
                print(f"append one decision as batch {first:>7,} on: {each * 1e3:6.2f} CPU ms")
        one.append(rows, as_of=rows["as_of"][-1].as_py(), release=RELEASE, sealed_at=SEALED_AT)
        for log in (many, one):
            size = len(log.batches())
            print(
                f"{size:>7,} batches: verify {timed(log.verify):6.2f} CPU s, "
                f"prove by seq {timed(partial(log.prove, count // 2)) * 1e3:7.1f} CPU ms, "
                f"by id {timed(partial(log.prove, str(rows['decision_id'][5]))) * 1e3:7.1f} CPU ms"
            )


def apart(rows: pa.Table) -> pa.Table:
    """The rows a second apart, as single decisions are: batches of one instant are compared."""
    seconds = [hour(1) + timedelta(seconds=n) for n in range(len(rows))]
    place = rows.column_names.index("as_of")
    return rows.set_column(place, "as_of", pa.array(seconds, INSTANT))


def timed(work: Callable[[], object]) -> float:
    started = cpu()
    work()
    return cpu() - started


if __name__ == "__main__":
    main()
