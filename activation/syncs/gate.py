"""Asks the consent ledger again, in the transaction that records the intent to send.

The warehouse judged consent up to a watermark. Whatever restricts and was recorded after it is read
here, inside the writing transaction of the store, and matched to persons by their identifiers and
by those they were parted from, as the warehouse does. So an intent and a withdrawal are ordered: no
intent is recorded after the withdrawal committed.

Where a person lives is not known here: an opt-out signal stops what it binds in any jurisdiction.

A later grant does not lift the restriction within the run; the next run judges by all events.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from hashlib import sha256

import duckdb
import pyarrow as pa
from sqlalchemy import Connection

from activation.consent.events import ConsentEvent
from activation.consent.ledger import events_after, lock_head
from activation.consent.lookup import history
from activation.consent.suppression import is_about_address
from activation.consent.vocabulary import ANY, OPTED_OUT
from activation.syncs.item import Item

RESTRICTING_ACTIONS = (
    "erased",
    "restricted",
    "suppressed",
    "withdrawn",
    "objected",
    "denied",
    OPTED_OUT,
)
"""The actions that stop a row, the most final first."""

_COVERS_EVERYTHING = frozenset({"erased", "restricted"})


@dataclass(frozen=True)
class _Restriction:
    action: str
    purpose: str
    channel: str

    def covers(self, purposes: str, channel: str, signalled: Set[str] | None) -> bool:
        if self.action in _COVERS_EVERYTHING:
            return True
        if self.action == OPTED_OUT:
            return signalled is None or not signalled.isdisjoint(purposes.split(","))
        purpose_covered = self.purpose == ANY or self.purpose in purposes.split(",")
        return purpose_covered and (ANY in (self.channel, channel) or self.channel == channel)


class Gate:
    """The restrictions recorded since `watermark`, by person and by address.

    `duck` holds the relations of a workspace: who goes by which identifier, and who did before a
    parting. `signalled` are the purposes that an opt-out signal binds somewhere; None for all.
    """

    def __init__(
        self,
        duck: duckdb.DuckDBPyConnection,
        watermark: int,
        *,
        signalled: Set[str] | None = None,
    ) -> None:
        self._duck = duck
        self._seen = watermark
        self._signalled = signalled
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
        self._add(list(events_after(connection, self._seen, actions=RESTRICTING_ACTIONS)))
        self._seen = max(self._seen, head)
        return head

    def reason(self, item: Item) -> str | None:
        """The action that forbids sending the item, the most final one; None if nothing does."""
        found = self._by_person.get(item.person_id, set())
        if item.address_hash is not None:
            found = found | self._by_address.get(item.address_hash, set())
        actions = {r.action for r in found if self._covers(r, item)}
        return next((action for action in RESTRICTING_ACTIONS if action in actions), None)

    def _covers(self, restriction: _Restriction, item: Item) -> bool:
        return restriction.covers(item.purpose, item.channel, self._signalled)

    def ever_restricted(self, connection: Connection, items: Sequence[Item]) -> set[str]:
        """Row keys of the items that any event of the ledger, however old, restricts.

        For removals: it tells those that a person asked for from those that the model caused.
        """
        ever = Gate(self._duck, watermark=0, signalled=self._signalled)
        said = history(connection, self._identifiers_of(items))
        ever._add([event for event in said if event.action in RESTRICTING_ACTIONS])
        return {item.row_key for item in items if ever.reason(item)}

    def _identifiers_of(self, items: Sequence[Item]) -> list[tuple[str, str]]:
        persons = pa.table({"person_id": pa.array({i.person_id for i in items}, pa.string())})
        self._duck.register("asked_person", persons)
        found = self._duck.execute(
            "select identifier_type, identifier from identifier"
            " semi join asked_person using (person_id)"
            " union select identifier_type, identifier from former_identifier"
            " semi join asked_person using (person_id) order by all"
        ).fetchall()
        self._duck.unregister("asked_person")
        return [(kind, identifier) for kind, identifier in found]

    def _add(self, events: Sequence[ConsentEvent]) -> None:
        if not events:
            return
        self._duck.register("restricting_event", _as_table(events))
        matches = self._duck.execute(_MATCHES).fetchall()
        self._duck.unregister("restricting_event")
        for person_id, action, purpose, channel in matches:
            self._by_person[person_id].add(_Restriction(action, purpose, channel))
        for event in events:
            restriction = _Restriction(event.action, event.purpose, event.channel)
            self._by_address[sha256(event.identifier.encode()).hexdigest()].add(restriction)


# Over a former link nothing crosses that was said after the parting, and nothing that is about an
# address of the other side: consent.standing.reach for one person, con_events for everybody.
_MATCHES = """
select i.person_id, e.action, e.purpose, e.channel
from restricting_event e join identifier i using (identifier_type, identifier)
union
select f.person_id, e.action, e.purpose, e.channel
from restricting_event e join former_identifier f using (identifier_type, identifier)
where e.occurred_at <= f.parted_at and not e.is_about_address
"""

_SAID = ("identifier_type", "identifier", "purpose", "channel", "action", "occurred_at")


def _as_table(events: Iterable[ConsentEvent]) -> pa.Table:
    restricted = {name: [getattr(event, name) for event in events] for name in _SAID}
    about = [event.action == "suppressed" and is_about_address(event) for event in events]
    return pa.table(restricted | {"is_about_address": about})
