"""The write-ahead side of a sync: intents before the request, outcomes after it, state by them."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from activation.connectors.protocol import (
    MAY_HAVE_ARRIVED,
    ErrorClass,
    Operation,
    RemovalAddress,
    RowOutcome,
)
from activation.store.tables_sync import sync_intent, sync_outcome, sync_state, sync_withheld
from activation.syncs.item import Item
from activation.syncs.state import FORGOTTEN, last_other_intent


@dataclass(frozen=True)
class Intent:
    """An item that was admitted, under the number of its row in sync_intent."""

    seq: int
    item: Item


@dataclass(frozen=True)
class Journal:
    """Writes what one run does to one target. Every method takes part in the caller's transaction.

    `as_of` stands for the time of everything written: the run's clock.
    """

    sync: str
    run_id: str
    as_of: datetime
    keeps: RemovalAddress
    """What the connector's removals need; nothing more about the address is kept."""

    def with_delivery_ids(self, connection: Connection, items: Sequence[Item]) -> list[Item]:
        """The items with the ids under which the destination sees them.

        The id depends on target, key, operation and content, and on the latest intent for the key
        that differed. So attempts at the same thing share an id over runs and crashes, and adding a
        row again after its removal has a new one.
        """
        others: Mapping[str, int] = {}
        if any(item.operation is not Operation.SEND for item in items):
            others = last_other_intent(connection, self.sync, items)
        return [
            replace(item, delivery_id=self._delivery_id(item, others.get(item.row_key, 0)))
            for item in items
        ]

    def next_batch_number(self, connection: Connection) -> int:
        """The first number of the as_of that no batch of the target has."""
        highest = connection.scalar(
            select(func.max(sync_intent.c.batch_number)).where(
                sync_intent.c.sync == self.sync, sync_intent.c.recorded_at == self.as_of
            )
        )
        return (highest or 0) + 1

    def record(
        self,
        connection: Connection,
        items: Sequence[Item],
        *,
        batch: str,
        number: int,
        ledger_seq: int,
    ) -> list[Intent]:
        """Write the intents to send the items, in order."""
        if not items:
            return []
        common = {
            "sync": self.sync,
            "run_id": self.run_id,
            "batch": batch,
            "batch_number": number,
            "ledger_seq": ledger_seq,
            "state": "open",
            "recorded_at": self.as_of,
        }
        statement = insert(sync_intent).returning(sync_intent.c.seq, sort_by_parameter_order=True)
        rows = [common | self._sent(item) | _intent_columns(item) for item in items]
        numbers = connection.scalars(statement, rows).all()
        return [Intent(seq, item) for seq, item in zip(numbers, items, strict=True)]

    def record_withheld(
        self, connection: Connection, withheld: Sequence[tuple[Item, str]], ledger_seq: int
    ) -> None:
        """Write which items the ledger held back, and by which action."""
        if withheld:
            connection.execute(
                insert(sync_withheld),
                [
                    {
                        "sync": self.sync,
                        "run_id": self.run_id,
                        "row_key": item.row_key,
                        "person_id": item.person_id,
                        "decision_id": item.decision_id,
                        "reason": reason,
                        "ledger_seq": ledger_seq,
                        "at": self.as_of,
                    }
                    for item, reason in withheld
                ],
            )

    def settle(
        self, connection: Connection, intents: Sequence[Intent], outcomes: Sequence[RowOutcome]
    ) -> None:
        """Write the outcomes, close the intents, and advance the state by what they tell."""
        pairs = list(zip(intents, outcomes, strict=True))
        if not pairs:
            return
        connection.execute(
            insert(sync_outcome),
            [
                {
                    "intent_seq": intent.seq,
                    "intent_id": outcome.delivery_id,
                    "outcome": _outcome_word(outcome.error),
                    "class": outcome.error,
                    "detail": outcome.detail,
                    "at": self.as_of,
                }
                for intent, outcome in pairs
            ],
        )
        first, last = min(i.seq for i in intents), max(i.seq for i in intents)
        connection.execute(
            update(sync_intent)
            .where(sync_intent.c.sync == self.sync, sync_intent.c.seq.between(first, last))
            .values(state="settled", address_sent=None)
        )
        self._advance(connection, [(intent.item, outcome.error) for intent, outcome in pairs])

    def open_intents(self, connection: Connection) -> list[tuple[str, Intent]]:
        """(batch, intent) of the attempts that a killed run left without an outcome."""
        rows = connection.execute(
            select(sync_intent)
            .where(sync_intent.c.sync == self.sync, sync_intent.c.state == "open")
            .order_by(sync_intent.c.seq)
        )
        return [(row.batch, Intent(row.seq, _item_of(row))) for row in rows]

    def _delivery_id(self, item: Item, generation: int) -> str:
        content = item.row_hash if item.operation is not Operation.SEND else None
        parts = [self.sync, item.row_key, item.operation.value, content, generation]
        return "i_" + hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]

    def _advance(
        self, connection: Connection, ends: Sequence[tuple[Item, ErrorClass | None]]
    ) -> None:
        removed = [i for i, e in ends if e is None and i.operation is Operation.REMOVE]
        held = [i for i, e in ends if e is None and i.operation is not Operation.REMOVE]
        unknown = [i for i, e in ends if e in MAY_HAVE_ARRIVED]
        refused = [
            (i, i.row_hash if e is ErrorClass.ROW_PERMANENT else FORGOTTEN)
            for i, e in ends
            if e in (ErrorClass.ROW_PERMANENT, ErrorClass.FORGOTTEN)
            # A removal is never parked: it is asked for until it is acknowledged.
            and i.operation is not Operation.REMOVE
        ]
        for item in removed:
            connection.execute(
                sync_state.delete().where(
                    sync_state.c.sync == self.sync, sync_state.c.row_key == item.row_key
                )
            )
        accepted = {"uncertain": False, "parked_hash": None, "acked_at": self.as_of}
        self._upsert(
            connection,
            [self._state(item) | accepted | {"row_hash": item.row_hash} for item in held],
            ("row_hash", "uncertain", "parked_hash", "acked_at", *_SENT),
        )
        self._upsert(
            connection,
            [self._state(item) | {"uncertain": True} for item in unknown],
            ("uncertain", *_SENT),
        )
        self._upsert(
            connection,
            [self._state(i) | {"uncertain": False, "parked_hash": h} for i, h in refused],
            ("parked_hash",),
        )

    def _state(self, item: Item) -> dict[str, Any]:
        return {"sync": self.sync, "row_key": item.row_key} | self._sent(item)

    def _sent(self, item: Item) -> dict[str, Any]:
        kept = {name: getattr(item, name) for name in _SENT}
        if self.keeps is RemovalAddress.NONE:
            kept["address_hash"] = None
        if self.keeps is not RemovalAddress.PLAIN:
            kept["address_sent"] = None
        return kept

    def _upsert(
        self, connection: Connection, rows: Sequence[dict[str, Any]], changed: Sequence[str]
    ) -> None:
        if not rows:
            return
        statement = _insert_for(connection, sync_state)
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=["sync", "row_key"],
                set_={name: statement.excluded[name] for name in changed},
            ),
            rows,
        )


_SENT = ("person_id", "purpose", "channel", "address_hash", "address_sent")


def _insert_for(connection: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    if connection.dialect.name == "postgresql":
        return postgresql.insert(table)
    return sqlite.insert(table)


def _intent_columns(item: Item) -> dict[str, Any]:
    return {
        "intent_id": item.delivery_id,
        "op": item.operation.value,
        "row_key": item.row_key,
        "decision_id": item.decision_id,
        "row_hash": item.row_hash,
    }


def _item_of(row: Any) -> Item:
    return Item(
        operation=Operation(row.op),
        decision_id=row.decision_id,
        row_key=row.row_key,
        row_hash=row.row_hash,
        delivery_id=row.intent_id,
        **{name: getattr(row, name) for name in _SENT},
    )


def _outcome_word(error: ErrorClass | None) -> str:
    if error is None:
        return "accepted"
    return "in_doubt" if error is ErrorClass.IN_DOUBT else "rejected"
