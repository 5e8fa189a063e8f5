"""Measure a log of many tiny batches, as decisions one by one leave it: append, verify, prove.

    python -m tests.benchmarks.log_many_batches [BATCHES]

The baseline is the same decisions in one batch. The log stands in memory (/dev/shm) where there is
such a place, so that the figures are CPU time and not the disk's.
"""

import sys
import tempfile
from pathlib import Path

from activation.log import DecisionLog
from tests.activation.log.worlds import KEY, RELEASE, SEALED_AT, decisions, hour
from tests.benchmarks.log_seal_and_verify import cpu

MEMORY = Path("/dev/shm")  # noqa: S108 - a benchmark's own folder is made below it


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    rows = decisions(count)
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as place:
        many = DecisionLog(Path(place) / "many", signing_key=KEY)
        one = DecisionLog(Path(place) / "one", signing_key=KEY)
        marks = {0, count // 10, count // 2, count - count // 20}
        for at in range(count):
            if at in marks:
                started, first = cpu(), at
            many.append(rows.slice(at, 1), as_of=hour(1), release=RELEASE, sealed_at=SEALED_AT)
            if at == first + count // 20 - 1:
                each = (cpu() - started) / (count // 20)
                print(f"append one decision as batch {first:>7,} on: {each * 1e3:6.2f} CPU ms")
        one.append(rows, as_of=hour(1), release=RELEASE, sealed_at=SEALED_AT)
        for name, log in (("many", many), ("one", one)):
            again = DecisionLog(Path(place) / name)
            print(
                f"{len(again.batches()):>7,} batches: verify {timed(again.verify):6.2f} CPU s, "
                f"prove by seq {timed(lambda found=again: found.prove(count // 2)) * 1e3:7.1f} ms, "
                f"by id {timed(lambda found=again: found.prove(rows['decision_id'][5].as_py())):6.2f} s"
            )
            del log


def timed(work: object) -> float:
    started = cpu()
    work()  # type: ignore[operator]
    return cpu() - started


if __name__ == "__main__":
    main()
