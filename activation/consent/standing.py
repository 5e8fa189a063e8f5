"""Where one person stands now: the precedence table over the live ledger, without the warehouse.

What changes slowly (who goes by which identifier, whether they are a customer) comes from a copy
that a run published; what they said comes from the ledger as it is at this instant.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from activation.consent.events import ConsentEvent
from activation.consent.lookup import Identifier, known
from activation.consent.precedence import PersonFacts, Verdict, evaluate
from activation.consent.regimes import RuleBook
from activation.consent.suppression import ReachedEvent, is_about_address
from activation.store.reader import Reader


@dataclass(frozen=True, slots=True)
class KnownPerson:
    """A person as the last run knew them.

    `links` says of each (identifier_type, identifier) whether permissions may travel over it;
    restrictions travel over all. `former_links` are identifiers of somebody they were one person
    with, and until when (UTC). `facts.ledger_recorded_at` is not used: the ledger is live.
    """

    jurisdiction: str | None
    facts: PersonFacts
    links: Mapping[Identifier, bool]
    former_links: Mapping[Identifier, datetime]


@dataclass(frozen=True, slots=True)
class Standing:
    """The verdict by (purpose, channel), and the place `seq` up to which the ledger was asked."""

    seq: int
    verdicts: Mapping[tuple[str, str], Verdict]


def stand(
    source: Connection | Reader,
    person: KnownPerson,
    scopes: Iterable[tuple[str, str]],
    rules: RuleBook,
    *,
    as_of: datetime,
) -> Standing:
    """The verdict for each (purpose, channel) of `scopes` at `as_of` (aware UTC).

    Reads the ledger once, by index. In a writing transaction of the store that holds the ledger's
    head, the answer holds until it commits.
    """
    identifiers = sorted(person.links.keys() | person.former_links.keys())
    ledger = known(source, identifiers, known_at=as_of)
    reached = list(reach(ledger.events, person.links, person.former_links))
    facts = replace(person.facts, ledger_recorded_at=as_of)
    verdicts = {
        (purpose, channel): evaluate(
            facts,
            reached,
            rules.find(person.jurisdiction, purpose, channel),
            as_of,
            purpose=purpose,
            channel=channel,
        )
        for purpose, channel in scopes
    }
    return Standing(ledger.seq, verdicts)


def reach(
    events: Iterable[ConsentEvent],
    links: Mapping[Identifier, bool],
    former_links: Mapping[Identifier, datetime],
) -> Iterator[ReachedEvent]:
    """The events that reach a person over their links, and over those of a former other side.

    Over a former link nothing permits, nothing crosses that was said after the parting, and nothing
    that is about an address of the other side: con_events in SQL, change both or neither.
    """
    for event in events:
        identifier = event.identifier_type, event.identifier
        if identifier in links:
            yield ReachedEvent(event, links[identifier])
        elif (
            identifier in former_links
            and event.occurred_at <= former_links[identifier]
            and not (event.action == "suppressed" and is_about_address(event))
        ):
            yield ReachedEvent(event, may_permit=False)
