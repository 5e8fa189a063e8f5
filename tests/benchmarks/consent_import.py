"""Measure the import of consent events into the ledger: read, checked, chained, stored.

    python -m tests.benchmarks.consent_import [EVENTS]

The baseline writes the same rows into a table of the same columns with plain executemany: no
normalising, no checks, no chain, no index.
"""

import hashlib
import sqlite3
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
from sqlalchemy import select

from activation.consent.landing_import import import_events
from activation.consent.ledger import verify_chain
from activation.store import open_store
from activation.store.tables import consent_event
from tests.benchmarks.log_seal_and_verify import cpu

AS_OF = datetime(2026, 11, 20, 6, tzinfo=UTC)
GOAL = 8.0
GOAL_EVENTS = 200_000
NO_ENGAGEMENT = pa.table(
    {
        "message_id": pa.array([], pa.string()),
        "kind": pa.array([], pa.string()),
        "occurred_at": pa.array([], pa.timestamp("us", "UTC")),
        "channel": pa.array([], pa.string()),
        "address": pa.array([], pa.string()),
    }
)


def landed(count: int) -> pa.Table:
    """Events of the shapes and mixture of the sample brand; about five for each identifier."""
    numbers = range(count)
    who = [n // 5 for n in numbers]
    kinds = ("email", "phone", "contact_id", "customer_number")
    written = {
        "email": lambda n: f" Person{n}@Example.com",
        "phone": lambda n: f"07700 9{n % 100_000:05d}",
        "contact_id": lambda n: f"C{n:07d}",
        "customer_number": lambda n: f"{n:010d}",
    }
    purposes = ("renewal", "onboarding", "service_recovery", "marketing", "profiling")
    actions = ("granted", "granted", "granted", "withdrawn", "objected", "denied")
    return pa.table(
        {
            "event_id": [hashlib.sha256(b"%d" % n).hexdigest()[:24] for n in numbers],
            "identifier_type": [kinds[n % 4] for n in who],
            "identifier": [written[kinds[n % 4]](n) for n in who],
            "purpose": [purposes[n % 5] for n in numbers],
            "channel": [("email", "sms", "push", "phone", "post")[n % 7 % 5] for n in numbers],
            "action": [actions[n % 6] for n in numbers],
            "notice_version": ["2026-03"] * count,
            "source": ["preference_centre"] * count,
            # A national number is read as its country dials it.
            "jurisdiction": ["GB" if n % 4 == 1 else ("GB", "DE", "US")[n % 3] for n in who],
            "occurred_at": pa.array(
                [AS_OF - timedelta(seconds=n) for n in numbers], pa.timestamp("us", "UTC")
            ),
            "expires_at": pa.array([None] * count, pa.timestamp("us", "UTC")),
            "is_correction": [False] * count,
        }
    )


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else GOAL_EVENTS
    events = landed(count)
    with tempfile.TemporaryDirectory() as place:
        engine = open_store(f"sqlite:///{place}/assent.sqlite")
        started = cpu()
        report = import_events(
            engine,
            events,
            NO_ENGAGEMENT,
            recorded_at=AS_OF,
            notices=frozenset({"2026-03"}),
        )
        spent = cpu() - started
        with engine.connect() as connection:
            assert verify_chain(connection).is_intact
            rows = [tuple(map(_text, row)) for row in connection.execute(select(consent_event))]
        baseline = plain(Path(place) / "plain.sqlite", rows)
        engine.dispose()
    print(
        f"{report.appended:,} events imported, {len(report.refused)} refused: {spent:.2f} CPU s "
        f"(goal {GOAL * count / GOAL_EVENTS:.1f}), {report.appended / spent:,.0f} per CPU s; "
        f"plain executemany: {baseline:.2f} CPU s, so {spent / baseline:.1f} x"
    )


def plain(path: Path, rows: list[tuple[object, ...]]) -> float:
    """CPU seconds of writing the rows with nothing around it."""
    connection = sqlite3.connect(path)
    names = ", ".join(column.name for column in consent_event.c)
    connection.execute(f"create table consent_event ({names})")
    marks = ", ".join("?" for _ in consent_event.c)
    started = cpu()
    connection.executemany(f"insert into consent_event values ({marks})", rows)
    connection.commit()
    spent = cpu() - started
    connection.close()
    return spent


def _text(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value


if __name__ == "__main__":
    main()
