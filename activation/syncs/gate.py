"""Asks the consent ledger again, in the transaction that records the intent to send.

The warehouse judged consent up to a watermark. Whatever restricts and was recorded after it is read
here, inside the writing transaction of the store, and matched to persons by their identifiers. So
an intent and a withdrawal are ordered: no intent is recorded after the withdrawal committed.

A later grant does not lift the restriction within the run; the next run judges by all events.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

import duckdb
import pyarrow as pa
from sqlalchemy import Connection, Row, select

from activation.consent.ledger import lock_head
from activation.consent.lookup import IDENTIFIERS_AT_ONCE, given_under
from activation.consent.vocabulary import ANY
from activation.store.tables_consent import consent_event
from activation.syncs.item import Item

RESTRICTING_ACTIONS = ("erased", "restricted", "suppressed", "withdrawn", "objected", "denied")
"""The actions that stop a row, the most final first."""

_COVERS_EVERYTHING = frozenset({"erased", "restricted"})


@dataclass(frozen=True)
class _Restriction:
    action: str
    purpose: str
    channel: str

    def covers(self, purposes: str, channel: str) -> bool:
        if self.action in _COVERS_EVERYTHING:
            return True
        purpose_covered = self.purpose == ANY or self.purpose in purposes.split(",")
        return purpose_covered and (ANY in (self.channel, channel) or self.channel == channel)


class Gate:
    """The restrictions recorded since `watermark`, by person and by address.

    `duck` holds the relation `identifier`, which says who goes by which identifier.
    """

    def __init__(self, duck: duckdb.DuckDBPyConnection, watermark: int) -> None:
        self._duck = duck
        self._seen = watermark
        self._by_person: dict[str, set[_Restriction]] = defaultdict(set)
        self._by_address: dict[str, set[_Restriction]] = defaultdict(set)

    @property
    def persons(self) -> Sequence[str]:
        return sorted(self._by_person)

    @property
    def addresses(self) -> Sequence[str]:
        """SHA-256 of each identifier under which something was restricted."""
        return sorted(self._by_address)

    def refresh(self, connection: Connection) -> int:
        """Take in what the ledger has recorded by now, and return the seq of its head.

        The head is locked until the caller's transaction ends, so nothing is recorded meanwhile.
        """
        head = lock_head(connection, shared=True).seq
        events = connection.execute(
            select(consent_event)
            .where(consent_event.c.seq > self._seen)
            .where(consent_event.c.action.in_(RESTRICTING_ACTIONS))
            .order_by(consent_event.c.seq)
        ).all()
        if events:
            self._add(events)
        self._seen = max(self._seen, head)
        return head

    def reason(self, item: Item) -> str | None:
        """The action that forbids sending the item, the most final one; None if nothing does."""
        found = self._by_person.get(item.person_id, set())
        if item.address_hash is not None:
            found = found | self._by_address.get(item.address_hash, set())
        actions = {r.action for r in found if r.covers(item.purpose, item.channel)}
        return next((action for action in RESTRICTING_ACTIONS if action in actions), None)

    def ever_restricted(self, connection: Connection, items: Sequence[Item]) -> set[str]:
        """Row keys of the items that any event of the ledger, however old, restricts.

        For removals: it tells those that a person asked for from those that the model caused.
        """
        history = Gate(self._duck, watermark=0)
        for events in _events_of(connection, self._identifiers_of(items)):
            history._add(events)
        return {item.row_key for item in items if history.reason(item)}

    def _identifiers_of(self, items: Sequence[Item]) -> list[tuple[str, str]]:
        persons = pa.table({"person_id": pa.array({i.person_id for i in items}, pa.string())})
        self._duck.register("asked_person", persons)
        found = self._duck.execute(
            "select distinct identifier_type, identifier from identifier"
            " semi join asked_person using (person_id) order by all"
        ).fetchall()
        self._duck.unregister("asked_person")
        return [(kind, identifier) for kind, identifier in found]

    def _add(self, events: Sequence[Row[tuple[object, ...]]]) -> None:
        columns = ("identifier_type", "identifier", "purpose", "channel", "action")
        restricted = {name: [getattr(event, name) for event in events] for name in columns}
        self._duck.register("restricting_event", pa.table(restricted))
        matches = self._duck.execute(
            "select distinct i.person_id, e.action, e.purpose, e.channel"
            " from restricting_event e join identifier i using (identifier_type, identifier)"
        ).fetchall()
        self._duck.unregister("restricting_event")
        for person_id, action, purpose, channel in matches:
            self._by_person[person_id].add(_Restriction(action, purpose, channel))
        for event in events:
            restriction = _Restriction(event.action, event.purpose, event.channel)
            self._by_address[sha256(event.identifier.encode()).hexdigest()].add(restriction)


def _events_of(
    connection: Connection, identifiers: Sequence[tuple[str, str]]
) -> Iterable[Sequence[Row[tuple[object, ...]]]]:
    for start in range(0, len(identifiers), IDENTIFIERS_AT_ONCE):
        yield connection.execute(
            select(consent_event)
            .where(given_under(identifiers[start : start + IDENTIFIERS_AT_ONCE]))
            .where(consent_event.c.action.in_(RESTRICTING_ACTIONS))
        ).all()
