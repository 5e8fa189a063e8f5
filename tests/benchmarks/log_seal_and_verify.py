"""Measure the decision log: sealing, reading back, appending to a long log, verifying, erasing.

    python -m tests.benchmarks.log_seal_and_verify [ROWS]

Prints CPU seconds, scaled to one million rows where that is meaningful. The baseline is pymerkle's
tree over the same leaves.
"""

import hashlib
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage
from typing import TypeVar

import pyarrow as pa
from pymerkle import InmemoryTree

from activation.log import DecisionLog, SigningKey, load_or_create_key, openings, verifier
from activation.log.canonical import documents, leaf_hashes
from activation.log.merkle import Frontier
from activation.log.rows import DECISION_COLUMNS, INSTANT, to_text
from activation.log.sealing import committed

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
        f"{'  (' + GOALS[name] + ')' if name in GOALS else ''}"
    )
    return result


GOALS = {
    "seal": "goal 150,000 rows per CPU s",
    "verify (stand-alone, with start-up)": "goal 15 CPU s per 1M rows",
    "erase 1 % of persons": "goal 2 CPU s per 1M rows",
}
PYMERKLE_ROWS = 50_000


def against_pymerkle(rows: pa.Table) -> None:
    """The same leaves in pymerkle's tree: same root, and how many times as long."""
    sealed, _ = committed(
        to_text(rows),
        1,
        pa.array(range(len(rows)), pa.int64()),
        openings.keys(b"\x07" * 16 * len(rows), len(rows)),
    )
    entries = [text.encode() for part in documents(sealed) for text in part.to_pylist()]

    def ours() -> bytes:
        return Frontier().extended(leaf_hashes(sealed)).root()

    def theirs() -> bytes:
        tree = InmemoryTree(algorithm="sha256")
        for entry in entries:
            tree.append_entry(entry)
        return bytes(tree.get_root())

    started = cpu()
    root = ours()
    mine = cpu() - started
    started = cpu()
    other = theirs()
    spent = cpu() - started
    print(
        f"pymerkle on {len(rows):,} of the leaves: same root: {root == other}, {spent:.2f} CPU s "
        f"against {mine:.2f} (canonical form included): {spent / mine:.1f} x"
    )


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else MILLION
    with tempfile.TemporaryDirectory() as place:
        home = Path(place)
        key: SigningKey = load_or_create_key(
            home / "keys", origin="example.com/decisions", entropy=lambda n: b"\x07" * n
        )
        log = DecisionLog(home / "log", signing_key=key)
        rows = decisions(count, AS_OF, "a")
        small = decisions(max(count // 10, 1), AS_OF, "b")
        against_pymerkle(rows.slice(0, PYMERKLE_ROWS))

        def seal(batch: pa.Table, hours: int) -> None:
            as_of = AS_OF + timedelta(hours=hours)
            again = batch.set_column(
                batch.column_names.index("as_of"), "as_of", pa.array([as_of] * len(batch), INSTANT)
            )
            log.append(again, as_of=as_of, release="r_0123456789ab", sealed_at=SEALED_AT)

        ids = small["decision_id"].to_pylist()

        def renamed(number: int) -> pa.Table:
            fresh = pa.array([f"{one}{number}" for one in ids])
            return small.set_column(0, "decision_id", fresh)

        batch = renamed(0)
        measure("append a tenth to an empty log", len(batch), lambda: seal(batch, 0))
        measure("seal", count, lambda: seal(rows, 1))
        for number in range(1, 6):
            later = renamed(number)
            name = f"append a tenth to {log.size:,}"
            measure(name, len(later), partial(seal, later, 1 + number))
        bytes_each = {
            name: sum(path.stat().st_size for path in (home / "log" / name).iterdir()) / log.size
            for name in ("segments", "openings", "tree")
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
        measure("prove one by decision_id", log.size, lambda: log.prove(decision_id))
        proof = measure("prove one by seq", log.size, lambda: log.prove(count // 2))
        print("proof bytes:", len(proof.text()), "of hashes:", 32 * len(proof.path), "(goal 800)")
        persons = sorted(set(rows["person_id"].to_pylist()))[::100]
        root = report.root
        erased = measure("erase 1 % of persons", log.size, lambda: log.erase(persons))
        after = log.verify()
        print("openings erased:", erased, "root unchanged:", after.root == root, "holds:", after.ok)


if __name__ == "__main__":
    main()
