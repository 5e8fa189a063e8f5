"""Measure the decision log: sealing, reading back, appending to a long log, verifying, erasing.

    python tests/benchmarks/log_seal_and_verify.py [ROWS]

Prints CPU seconds, scaled to one million rows where that is meaningful.
"""

import hashlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage
from typing import TypeVar

import pyarrow as pa

from activation.log import DecisionLog, SigningKey, load_or_create_key, verifier
from activation.log.rows import DECISION_COLUMNS, INSTANT

AS_OF = datetime(2026, 11, 20, 6, tzinfo=UTC)
SEALED_AT = datetime(2026, 11, 20, 6, 5, tzinfo=UTC)
MILLION = 1_000_000
T = TypeVar("T")


def decisions(count: int, as_of: datetime, salt: str) -> pa.Table:
    """Rows of the shape and variety a run writes, three candidates a person."""

    def digest(kind: str, number: int, length: int) -> str:
        return hashlib.sha256(f"{kind}{salt}{number}".encode()).hexdigest()[:length]

    numbers = range(count)
    columns = {
        "decision_id": [f"d_{digest('d', n, 24)}" for n in numbers],
        "person_id": [f"p_{digest('p', n // 3, 16)}" for n in numbers],
        "node": [("renewal_reminder_day_90", "claim_update_day_3")[n % 2] for n in numbers],
        "journey": [("renewal", "claims")[n % 2] for n in numbers],
        "subject_id": [f"POL-{n:08d}" for n in numbers],
        "as_of": pa.array([as_of] * count, INSTANT),
        "outcome": [("act", "withhold")[n % 2] for n in numbers],
        "reason": [("selected", "no_consent", "cap_person")[n % 3] for n in numbers],
        "action": ["renewal_offer"] * count,
        "channel": [("email", "sms")[n % 2] for n in numbers],
        "purpose": ["renewal"] * count,
        "lawful_basis": ["consent"] * count,
        "evidence": [f"ce_{n:08d}" if n % 2 else None for n in numbers],
        "watermark": [100_234] * count,
        "policies": ["regime:GB:renewal,cap:person_7d"] * count,
        "once_key": [f"2027-01-{n % 28 + 1:02d}" for n in numbers],
        "gate_mask": [n % 7 * 16 for n in numbers],
        "arm": ["treatment"] * count,
        "bucket": [n % 10_000 for n in numbers],
        "release": ["r_0123456789ab"] * count,
        "context": [
            f'{{"days_to_renewal":"{n % 90}","policy_number":"POL-{n:08d}","status":"active"}}'
            for n in numbers
        ],
    }
    return pa.table(
        {
            name: values if isinstance(values, pa.Array) else pa.array(values, kind)
            for (name, kind), values in zip(
                (DECISION_COLUMNS | {"context": pa.string()}).items(), columns.values(), strict=True
            )
        }
    )


def cpu() -> float:
    """CPU seconds of this process and of the children it waited for."""
    own, children = getrusage(RUSAGE_SELF), getrusage(RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def measure(name: str, rows: int, work: Callable[[], T]) -> T:
    """Run once and print what it cost."""
    started, wall = cpu(), time.perf_counter()
    result = work()
    spent = cpu() - started
    per_million = spent / rows * MILLION
    print(
        f"{name:44s} {spent:7.2f} CPU s {time.perf_counter() - wall:7.2f} s wall "
        f"{per_million:7.2f} CPU s per 1M rows {rows / spent:10,.0f} rows per CPU s"
    )
    return result


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else MILLION
    with tempfile.TemporaryDirectory() as place:
        home = Path(place)
        key: SigningKey = load_or_create_key(
            home / "keys", origin="example.com/decisions", entropy=lambda n: b"\x07" * n
        )
        log = DecisionLog(home / "log", signing_key=key)
        rows = decisions(count, AS_OF, "a")
        small = decisions(max(count // 100, 1), AS_OF + timedelta(hours=1), "b")

        def seal(batch: pa.Table, as_of: datetime) -> None:
            log.append(batch, as_of=as_of, release="r_0123456789ab", sealed_at=SEALED_AT)

        measure("seal", count, lambda: seal(rows, AS_OF))
        measure("append 1 % more", len(small), lambda: seal(small, AS_OF + timedelta(hours=1)))
        bytes_each = {
            name: sum(path.stat().st_size for path in (home / "log" / name).iterdir()) / log.size
            for name in ("segments", "openings")
        }
        print("bytes per row:", {name: round(size, 1) for name, size in bytes_each.items()})
        measure("read all", log.size, log.read)
        report = measure("verify (library)", log.size, log.verify)
        print("findings:", len(report.findings))
        command = [sys.executable, verifier.__file__, str(home / "log"), "--public-key"]
        command.append(str(home / "log" / "public_key"))
        measure(
            "verify (stand-alone, with start-up)",
            log.size,
            lambda: subprocess.run(command, check=True),
        )
        decision_id = rows["decision_id"][count // 2].as_py()
        proof = measure("prove one", log.size, lambda: log.prove(decision_id))
        print("proof bytes:", len(proof.text()), "hashes:", len(proof.path))
        persons = sorted(set(rows["person_id"].to_pylist()))[::100]
        erased = measure("erase 1 % of persons", log.size, lambda: log.erase(persons))
        print("openings erased:", erased, "still verifies:", log.verify().ok)


if __name__ == "__main__":
    main()
