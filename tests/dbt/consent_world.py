"""Small worlds of persons and consent events, judged by the dbt models and by Python.

`ConsentSql` runs the compiled SQL of models/consent on an in-memory DuckDB, without dbt, so that a
property can judge many worlds a second; `python_permits` is the same question asked of
activation.consent.precedence.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from activation.consent.events import ConsentEvent
from activation.consent.precedence import PersonFacts, evaluate
from activation.consent.regimes import Regimes, RuleBook
from activation.consent.standing import reach
from activation.consent.suppression import Address, ReachedEvent
from tests.dbt.builder import AS_OF
from tests.dbt.consent_regimes import TEST_REGIMES

Permits = dict[tuple[str, str, str], tuple[str, str, str | None, str | None]]
"""Verdict, reason, basis and evidence by person, purpose and channel."""


@dataclass(frozen=True)
class Link:
    """One identifier of a person, as identity.id_person_identifiers says it."""

    identifier_type: str
    identifier: str
    status: str = "ok"
    assurance: str = "A"
    is_restriction_only: bool = False

    @property
    def may_permit(self) -> bool:
        return self.status == "ok" and self.assurance in ("A", "B") and not self.is_restriction_only


@dataclass(frozen=True)
class FormerLink:
    """An identifier of a record that was split off from a person at `parted_at`."""

    identifier_type: str
    identifier: str
    parted_at: datetime


@dataclass(frozen=True)
class Person:
    """A person and what is on record about them."""

    person_id: str
    jurisdiction: str | None = "GB"
    policy: Literal["none", "lapsed", "active"] = "none"
    is_minor: bool = False
    links: tuple[Link, ...] = ()
    former_links: tuple[FormerLink, ...] = ()


@dataclass(frozen=True)
class World:
    """Persons, events and the instant up to which the ledger was copied."""

    persons: Sequence[Person]
    events: Sequence[ConsentEvent]
    copied_at: datetime | None = AS_OF
    regimes: Regimes = field(default_factory=lambda: TEST_REGIMES)


def event(event_id: str, action: str, **fields: Any) -> ConsentEvent:
    """A consent event with defaults: e-mail `ada@example.com`, marketing by e-mail, yesterday."""
    occurred_at = fields.pop("occurred_at", AS_OF - timedelta(days=1))
    values: dict[str, Any] = {
        "identifier_type": "email",
        "identifier": "ada@example.com",
        "purpose": "marketing",
        "channel": "email",
        "source": "preference_centre",
        "occurred_at": occurred_at,
        "recorded_at": occurred_at,
        "notice_version": "2026-03",
    }
    return ConsentEvent(event_id=event_id, action=action, **{**values, **fields})


def python_permits(world: World, as_of: datetime = AS_OF) -> Permits:
    """The verdict for each person, purpose and channel, by activation.consent.precedence."""
    rules = RuleBook(world.regimes)
    events: dict[tuple[str, str], list[ConsentEvent]] = defaultdict(list)
    for event in world.events:
        events[event.identifier_type, event.identifier].append(event)
    return {
        (person.person_id, purpose, channel): (
            verdict.verdict,
            verdict.reason,
            verdict.basis,
            verdict.evidence,
        )
        for person in world.persons
        for facts, reached in [(_facts(person, world), _reached(person, events))]
        for purpose in world.regimes.purposes
        for channel in world.regimes.channels
        for verdict in [
            evaluate(
                facts,
                reached,
                rules.find(person.jurisdiction, purpose, channel),
                as_of,
                purpose=purpose,
                channel=channel,
            )
        ]
    }


def _facts(person: Person, world: World) -> PersonFacts:
    return PersonFacts(
        has_relationship=person.policy != "none",
        is_existing_customer=person.policy == "active",
        is_minor=person.is_minor,
        addresses=frozenset(
            Address(link.identifier_type, link.identifier, is_blocked=link.status == "blocked")
            for link in person.links
        ),
        ledger_recorded_at=world.copied_at,
    )


def _reached(
    person: Person, events: Mapping[tuple[str, str], Sequence[ConsentEvent]]
) -> list[ReachedEvent]:
    links = {(link.identifier_type, link.identifier): link.may_permit for link in person.links}
    former_links = {
        (link.identifier_type, link.identifier): link.parted_at for link in person.former_links
    }
    known = [
        event
        for identifier in links.keys() | former_links.keys()
        for event in events.get(identifier, ())
    ]
    return list(reach(known, links, former_links))
