"""A world for the moment of activation: the warehouse, a store with a ledger, a log, a copy."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
from sqlalchemy import Engine

from activation.consent import ledger
from activation.consent.events import ConsentEvent
from activation.consent.precedence import PersonFacts
from activation.consent.regimes import RuleBook, load_regimes
from activation.consent.standing import KnownPerson, stand
from activation.consent.suppression import Address
from activation.decisions import Release
from activation.journeys import JourneySet
from activation.log import DecisionLog, LogStream
from activation.moment import DecisionPoint, Rules, publish_copy
from activation.store import transaction
from tests.activation.decisions.worlds import AS_OF, CHANNELS, insert
from tests.activation.log.worlds import KEY

REGIMES = RuleBook(load_regimes())
PURPOSES = ("renewal", "onboarding", "claims_service", "service_recovery", "marketing")
STATE_DDL = {
    "consent.con_persons": "person_id varchar, jurisdiction varchar, has_relationship boolean, "
    "is_existing_customer boolean, is_minor boolean",
    "consent.con_former_links": "person_id varchar, identifier_type varchar, identifier varchar, "
    "parted_at timestamptz",
    "identity.id_person_identifiers": "person_id varchar, identifier_type varchar, "
    "identifier varchar, status varchar, assurance varchar, is_restriction_only boolean",
}


def create_state(connection: duckdb.DuckDBPyConnection) -> None:
    """The tables that judging consent needs beside those of a decision, empty."""
    connection.execute("create schema if not exists identity")
    for table, columns in STATE_DDL.items():
        connection.execute(f"create table {table} ({columns})")


def email_of(person_id: str) -> dict[str, Any]:
    """A link to an address that belongs to the person alone."""
    return {
        "person_id": person_id,
        "identifier_type": "email",
        "identifier": f"{person_id}@example.com",
        "status": "ok",
        "assurance": "A",
        "is_restriction_only": False,
    }


def said(person_id: str, action: str, number: int, **changes: Any) -> ConsentEvent:
    """What a person said under their address a day ago."""
    occurred_at = changes.pop("occurred_at", AS_OF - timedelta(days=1))
    values: dict[str, Any] = {
        "purpose": "renewal",
        "channel": "email",
        "source": "preference_centre",
        "notice_version": "2026-03",
        "recorded_at": occurred_at,
    }
    return ConsentEvent(
        f"e_{number}",
        "email",
        f"{person_id}@example.com",
        action=action,
        occurred_at=occurred_at,
        **{**values, **changes},
    )


def say_at_random(
    connection: duckdb.DuckDBPyConnection, store: Engine, persons: list[str], seed: int
) -> None:
    """Give persons links, facts and a history of consent, drawn from the seed."""
    rng = random.Random(seed)
    for person_id in persons:
        facts = {
            "person_id": person_id,
            "jurisdiction": rng.choice(["GB", "DE", "FR", None]),
            "has_relationship": rng.random() < 0.9,
            "is_existing_customer": rng.random() < 0.7,
            "is_minor": rng.random() < 0.05,
        }
        insert(connection, "consent.con_persons", [facts])
        link = email_of(person_id) | {"assurance": rng.choice("AAABC")}
        insert(connection, "identity.id_person_identifiers", [link])
    events = [
        said(
            rng.choice(persons),
            rng.choice(["granted", "granted", "granted", "confirmed", "denied", "withdrawn"]),
            number,
            purpose=rng.choice(PURPOSES),
            channel=rng.choice(CHANNELS),
            occurred_at=AS_OF - timedelta(hours=rng.randrange(500)),
        )
        for number in range(6 * len(persons))
    ]
    events += [
        said(rng.choice(persons), rng.choice(["suppressed", "restricted", "erased"]), n, **every)
        for every in [{"purpose": "*", "channel": "*"}]
        for n in range(10_000, 10_000 + len(persons) // 20)
    ]
    with transaction(store) as writing:
        ledger.append(writing, events)
    copy_permits(connection, store, persons)


def copy_permits(connection: duckdb.DuckDBPyConnection, store: Engine, persons: list[str]) -> None:
    """What dbt makes of the ledger: con_permits and con_watermark as of AS_OF."""
    connection.execute("delete from consent.con_permits")
    connection.execute("delete from consent.con_watermark")
    scopes = [(purpose, channel) for purpose in PURPOSES for channel in CHANNELS]
    with store.connect() as reading:
        seq = ledger.watermark(reading).seq
        insert(connection, "consent.con_watermark", [{"seq": seq, "recorded_at": AS_OF}])
        for person_id in persons:
            standing = stand(reading, _known(connection, person_id), scopes, REGIMES, as_of=AS_OF)
            rows = [
                {
                    "person_id": person_id,
                    "purpose": purpose,
                    "channel": channel,
                    "verdict": one.verdict,
                    "reason": one.reason,
                    "basis": one.basis,
                    "evidence": one.evidence,
                }
                for (purpose, channel), one in standing.verdicts.items()
            ]
            insert(connection, "consent.con_permits", rows)


def _known(connection: duckdb.DuckDBPyConnection, person_id: str) -> KnownPerson:
    facts = connection.execute(
        "select jurisdiction, has_relationship, is_existing_customer, is_minor "
        "from consent.con_persons where person_id = ?",
        [person_id],
    ).fetchone()
    assert facts is not None
    links = connection.execute(
        "select identifier_type, identifier, assurance, status from identity.id_person_identifiers "
        "where person_id = ?",
        [person_id],
    ).fetchall()
    return KnownPerson(
        facts[0],
        PersonFacts(
            facts[1],
            facts[2],
            facts[3],
            addresses=frozenset(Address(kind, value) for kind, value, _, _ in links),
        ),
        {(kind, value): level in "AB" for kind, value, level, _ in links},
        former_links={},
    )


@dataclass
class Moment:
    """A decision point over a copy of `connection`, and what it writes to."""

    point: DecisionPoint
    log: DecisionLog
    stream: LogStream
    store: Engine


def publish(connection: duckdb.DuckDBPyConnection, copies: Path, journeys: JourneySet) -> Path:
    """Publish a copy as of AS_OF; returns where copies are."""
    publish_copy(connection, copies, journeys=journeys, as_of=AS_OF)
    return copies


@contextmanager
def moment(
    copies: Path,
    store: Engine,
    home: Path,
    journeys: JourneySet,
    release: Release,
    **options: Any,
) -> Iterator[Moment]:
    """Open a decision point on a published copy, with the log of `home`."""
    halted = options.pop("halted", frozenset())
    log = DecisionLog(
        home / "log", signing_key=KEY, clock=lambda: datetime(2026, 11, 20, 12, 5, tzinfo=UTC)
    )
    with log.stream() as stream:
        point = DecisionPoint(
            copies=copies,
            store=store,
            log=log,
            stream=stream,
            rules=lambda _person: Rules(journeys, release, REGIMES, halted),
            **options,
        )
        yield Moment(point, log, stream, store)
        point.close()
