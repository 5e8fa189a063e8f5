"""Small decision logs for the tests."""

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa

from activation.log import DECISION_COLUMNS, DecisionLog, SigningKey

ORIGIN = "example.com/decisions"
AS_OF = datetime(2026, 11, 20, 6, tzinfo=UTC)
SEALED_AT = datetime(2026, 11, 20, 6, 5, 1, 250, tzinfo=UTC)
RELEASE = "r_0123456789ab"
KEY = SigningKey(ORIGIN, b"\x01" * 32)
SCHEMA = pa.schema(DECISION_COLUMNS | {"context": pa.string()})
PERSONS = 4


def entropy(count: int) -> bytes:
    """Reproducible bytes in place of os.urandom."""
    return hashlib.shake_128(b"test").digest(count)


def hour(number: int) -> datetime:
    """The instant of the batch of that number."""
    return AS_OF + timedelta(hours=number)


def decisions(count: int, batch: int = 1, **changed: object) -> pa.Table:
    """`count` decision rows of one instant, over few persons; `changed` overrides columns."""

    def row(number: int) -> dict[str, object]:
        digest = hashlib.sha256(f"{batch}/{number}".encode()).hexdigest()
        return {
            "decision_id": f"d_{digest[:24]}",
            "person_id": f"p_{number % PERSONS}",
            "node": "renewal_reminder_day_90",
            "journey": "renewal",
            "subject_id": f"P-{number}",
            "as_of": hour(batch),
            "outcome": ("act", "withhold")[number % 2],
            "reason": ("selected", "withdrawn")[number % 2],
            "action": "renewal_offer",
            "channel": "email",
            "purpose": "renewal",
            "lawful_basis": "consent",
            "evidence": None if number % 3 else f"ce_{number}",
            "watermark": 41,
            "policies": "gb.renewal,cap.person",
            "once_key": "2027-02-01",
            "gate_mask": (0, 32)[number % 2],
            "arm": "treatment",
            "bucket": number % 10_000,
            "release": RELEASE,
            "context": f'{{"days_to_renewal":"80","policy_number":"P-{number}"}}',
            **changed,
        }

    return pa.Table.from_pylist([row(number) for number in range(count)], schema=SCHEMA)


def seal(log: DecisionLog, batch: int, count: int) -> None:
    """Append the batch of that number."""
    log.append(decisions(count, batch), as_of=hour(batch), release=RELEASE, sealed_at=SEALED_AT)


def make_log(home: Path, counts: tuple[int, ...] = (), *, copies: bool = False) -> DecisionLog:
    """A log with batches of these sizes."""
    log = DecisionLog(
        home / "decision_log",
        signing_key=KEY,
        copies=home / "copies" if copies else None,
        entropy=entropy,
        clock=lambda: SEALED_AT,
    )
    for batch, count in enumerate(counts, start=1):
        seal(log, batch, count)
    return log
