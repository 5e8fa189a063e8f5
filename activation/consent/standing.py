"""Where one person stands now: the precedence table over the live ledger, without the warehouse.

What changes slowly (who goes by which identifier, whether they are a customer) comes from a copy
that a run published; what they said comes from the ledger as it is at this instant.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from activation.consent.lookup import history
from activation.consent.precedence import PersonFacts, Verdict, evaluate
from activation.consent.regimes import RuleBook
from activation.consent.suppression import ReachedEvent


@dataclass(frozen=True, slots=True)
class KnownPerson:
    """A person as the last run knew them.

    `links` says of each (identifier_type, identifier) whether permissions may travel over it;
    restrictions travel over all. `facts.ledger_recorded_at` is not used: the ledger is live.
    """

    jurisdiction: str | None
    facts: PersonFacts
    links: Mapping[tuple[str, str], bool]


def stand(
    connection: Connection,
    person: KnownPerson,
    scopes: Iterable[tuple[str, str]],
    rules: RuleBook,
    *,
    as_of: datetime,
) -> dict[tuple[str, str], Verdict]:
    """The verdict for each (purpose, channel) of `scopes` at `as_of` (aware UTC).

    Reads the ledger once, by index. In a writing transaction of the store that holds the ledger's
    head, the answer holds until it commits.
    """
    events = history(connection, sorted(person.links), known_at=as_of)
    reached = [
        ReachedEvent(event, person.links[event.identifier_type, event.identifier])
        for event in events
    ]
    facts = replace(person.facts, ledger_recorded_at=as_of)
    return {
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
