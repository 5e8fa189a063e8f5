"""A small world to sync: persons with addresses, what they are to get, and a ledger."""

import itertools
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
from sqlalchemy import Engine

from activation.connectors.protocol import Connector
from activation.consent.events import ConsentEvent
from activation.consent.ledger import append
from activation.store import transaction
from activation.syncs import RetryPolicy, SyncReport, SyncSpec, run_sync

AS_OF = datetime(2026, 11, 20, 6, tzinfo=UTC)
HASH_KEY = bytes(range(32))
IMPATIENT = RetryPolicy(sleep=lambda _: None, jitter=lambda: 0.0)
_events = itertools.count()

ACTIONS = SyncSpec(
    name="demo_actions",
    relation="outbound.out_demo_actions",
    destination="demo",
    connector="files",
    region="uk",
    processor="none",
    purpose=("renewal", "claims_service"),
    object="action",
    mode="append",
    key=("decision_id",),
    fields=("decision_id", "person_id", "channel", "address", "purpose", "given_name"),
)
AUDIENCES = ACTIONS.model_copy(
    update={
        "name": "demo_audiences",
        "relation": "outbound.out_demo_audiences",
        "purpose": ("marketing",),
        "object": "audience",
        "mode": "mirror",
        "key": ("audience", "person_id"),
        "fields": ("audience", "person_id", "channel", "address", "given_name"),
    }
)


def address_of(person: int) -> str:
    return f"canary-{person}@people.example"


def actions(persons: Iterable[int], per_person: int = 1, **columns: Any) -> pa.Table:
    """One row per decision: `per_person` e-mails of purpose renewal for each person."""
    pairs = [(p, n) for p in persons for n in range(per_person)]
    return pa.table(
        {
            "decision_id": pa.array([f"d_{p:04}_{n}" for p, n in pairs], pa.string()),
            "person_id": pa.array([f"p_{p:04}" for p, _ in pairs], pa.string()),
            "channel": pa.array(["email"] * len(pairs), pa.string()),
            "address": pa.array([address_of(p) for p, _ in pairs], pa.string()),
            "purpose": pa.array(["renewal"] * len(pairs), pa.string()),
            "given_name": pa.array([f"Canary{p}" for p, _ in pairs], pa.string()),
        }
        | {name: pa.array(values) for name, values in columns.items()}
    )


def members(persons: Sequence[int], name: str = "Canary") -> pa.Table:
    """One row per member of the audience cross_sell."""
    return pa.table(
        {
            "audience": pa.array(["cross_sell"] * len(persons), pa.string()),
            "person_id": pa.array([f"p_{p:04}" for p in persons], pa.string()),
            "channel": pa.array(["email"] * len(persons), pa.string()),
            "address": pa.array([address_of(p) for p in persons], pa.string()),
            "given_name": pa.array([f"{name}{p}" for p in persons], pa.string()),
        }
    )


def identifiers(persons: Iterable[int]) -> pa.Table:
    """Two identifiers per person: the address, and a customer number."""
    rows = [
        row
        for p in persons
        for row in (
            (f"p_{p:04}", "email", address_of(p)),
            (f"p_{p:04}", "customer_number", f"{p:07}"),
        )
    ]
    columns = list(zip(*rows, strict=True)) if rows else [(), (), ()]
    names = ("person_id", "identifier_type", "identifier")
    return pa.table({n: pa.array(c, pa.string()) for n, c in zip(names, columns, strict=True)})


EVERYBODY = identifiers(range(3000))


def record(
    engine: Engine,
    person: int,
    action: str = "withdrawn",
    *,
    purpose: str = "*",
    channel: str = "*",
    by: str = "customer_number",
) -> int:
    """Commit an event of the person to the ledger, and return its seq."""
    number = next(_events)
    event = ConsentEvent(
        event_id=f"e_{number}_{person}",
        identifier_type=by,
        identifier=f"{person:07}" if by == "customer_number" else address_of(person),
        purpose=purpose,
        channel=channel,
        action=action,
        source="preference_centre",
        occurred_at=AS_OF + timedelta(seconds=number),
        recorded_at=AS_OF + timedelta(seconds=number),
    )
    with transaction(engine) as connection:
        return append(connection, [event]).watermark.seq


def sync(
    engine: Engine,
    connector: Connector,
    desired: pa.Table | None,
    spec: SyncSpec = ACTIONS,
    **options: Any,
) -> SyncReport:
    """Run the sync with the world's usual arguments, and check that its figures balance."""
    settings: dict[str, Any] = {
        "identifiers": EVERYBODY,
        "watermark": 0,
        "as_of": AS_OF,
        "run_id": "run_1",
        "hash_key": HASH_KEY,
        "retry": IMPATIENT,
    }
    report = run_sync(spec, desired, engine=engine, connector=connector, **(settings | options))
    assert report.balances(), report
    return report
