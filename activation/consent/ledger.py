"""The consent ledger: append-only, hash-chained, bitemporal, one order for all writers.

Every append locks the ledger's head and takes its places from it, so a reader that has seen `seq`
has seen everything before it. Idempotent by event_id.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import islice
from typing import Any, NamedTuple

from sqlalchemy import Connection, RowMapping, Select, select, update

from activation.consent.chain import GENESIS, event_hash, identifier_commitment
from activation.consent.events import ConsentEvent
from activation.consent.redaction import is_redacted
from activation.store.bulk import insert_rows
from activation.store.metadata import instant_text
from activation.store.tables import consent_event, ledger_head

_EVENT_COLUMNS = tuple(consent_event.c[name] for name in ConsentEvent.__dataclass_fields__)
_NONCE_BYTES = 16
_ROWS_AT_ONCE = 10_000
# Both engines take this many parameters in one statement.
_IDS_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class Watermark:
    """How far the ledger reaches: the last event's place and hash (0 and zeros when empty)."""

    seq: int
    hash: str


@dataclass(frozen=True, slots=True)
class AppendResult:
    """What an append did: events added, events known already, and the ledger's new end."""

    appended: int
    repeated: int
    watermark: Watermark


@dataclass(frozen=True, slots=True)
class ChainReport:
    """Outcome of a verification: events checked, and the first place that does not fit, if any."""

    checked: int
    broken_at: int | None

    @property
    def is_intact(self) -> bool:
        return self.broken_at is None


def append(
    connection: Connection,
    events: Iterable[ConsentEvent],
    *,
    entropy: Callable[[int], bytes] = os.urandom,
) -> AppendResult:
    """Add the events that the ledger does not know yet, in the order given.

    `connection` must be a writing transaction (`activation.store.transaction`): the events are
    recorded when it commits. `entropy` gives random bytes for the identifier commitments. Of two
    events with one event_id the first counts.
    """
    head = lock_head(connection)
    batch = list(events)
    known = known_event_ids(connection, [event.event_id for event in batch]) if head.seq else set()
    seq, previous = head.seq, head.hash
    rows: list[_Row] = []
    randomness = entropy(_NONCE_BYTES * len(batch)).hex()
    width = 2 * _NONCE_BYTES
    nonces = [randomness[start : start + width] for start in range(0, len(randomness), width)]
    text_of = lru_cache(maxsize=64)(instant_text)
    for event in batch:
        if event.event_id in known:
            continue
        known.add(event.event_id)
        seq += 1
        row = _row(event, seq, previous, nonces[len(rows)], text_of(event.recorded_at))
        previous = row.hash
        rows.append(row)
    if rows:
        insert_rows(connection, consent_event, _Row._fields, rows)
        connection.execute(update(ledger_head).values(seq=seq, hash=previous))
    return AppendResult(len(rows), len(batch) - len(rows), Watermark(seq, previous))


def lock_head(connection: Connection, *, shared: bool = False) -> Watermark:
    """The ledger's end, held until the transaction ends: nobody appends meanwhile.

    `shared` lets other shared holders in (PostgreSQL; a writing SQLite transaction is alone).
    """
    statement = select(ledger_head.c.seq, ledger_head.c.hash).with_for_update(read=shared)
    row = connection.execute(statement).one()
    return Watermark(row.seq, row.hash)


def watermark(connection: Connection) -> Watermark:
    """The ledger's end as this connection sees it, without a lock."""
    # As text: every decision about one person asks for it.
    row = connection.exec_driver_sql("select seq, hash from ledger_head").one()
    return Watermark(row.seq, row.hash)


def known_event_ids(connection: Connection, event_ids: Sequence[str]) -> set[str]:
    """Those of `event_ids` that stand in the ledger."""
    known: set[str] = set()
    for start in range(0, len(event_ids), _IDS_AT_ONCE):
        some = event_ids[start : start + _IDS_AT_ONCE]
        statement = select(consent_event.c.event_id).where(consent_event.c.event_id.in_(some))
        known.update(connection.execute(statement).scalars())
    return known


def events_after(
    connection: Connection, seq: int, *, actions: Sequence[str] | None = None
) -> Iterator[ConsentEvent]:
    """The events after place `seq`, in the ledger's order; with `actions`, those alone."""
    statement = select(*_EVENT_COLUMNS).where(consent_event.c.seq > seq)
    if actions is not None:
        statement = statement.where(consent_event.c.action.in_(actions))
    yield from _events(connection, statement)


def verify_chain(connection: Connection) -> ChainReport:
    """Recompute every hash and compare the end with the head."""
    columns = [consent_event.c[name] for name in _Row._fields]
    result = connection.execution_options(yield_per=_ROWS_AT_ONCE).execute(
        select(*columns).order_by(consent_event.c.seq)
    )
    seq, previous = 0, GENESIS
    for row in result:
        stored = _Row._make(instant_text(v) if isinstance(v, datetime) else v for v in row)
        if not _follows(stored, seq + 1, previous):
            return ChainReport(seq, seq + 1)
        seq, previous = seq + 1, stored.hash
    head = watermark(connection)
    return ChainReport(seq, None if (head.seq, head.hash) == (seq, previous) else seq + 1)


class _Row(NamedTuple):
    """A row of consent_event as it is bound: instants are texts, which both engines take."""

    seq: int
    event_id: str
    identifier_type: str
    identifier: str
    identifier_nonce: str
    identifier_commitment: str
    purpose: str
    channel: str
    action: str
    jurisdiction: str | None
    lawful_basis: str | None
    notice_version: str | None
    source: str
    evidence: str | None
    occurred_at: str
    recorded_at: str
    expires_at: str | None
    prev_hash: str
    hash: str


def _row(event: ConsentEvent, seq: int, previous: str, nonce: str, recorded_at: str) -> _Row:
    commitment = identifier_commitment(nonce, event.identifier_type, event.identifier)
    said = (
        event.purpose,
        event.channel,
        event.action,
        event.jurisdiction,
        event.lawful_basis,
        event.notice_version,
        event.source,
        event.evidence,
        instant_text(event.occurred_at),
        recorded_at,
        instant_text(event.expires_at) if event.expires_at else None,
    )
    return _Row(
        seq,
        event.event_id,
        event.identifier_type,
        event.identifier,
        nonce,
        commitment,
        *said,
        previous,
        event_hash(previous, seq, (event.event_id, commitment, *said)),
    )


def _follows(row: _Row, seq: int, previous: str) -> bool:
    """Whether a stored row fits its place after the hash `previous`."""
    commitment = row.identifier_commitment
    if not is_redacted(row.identifier, row.identifier_nonce):
        commitment = identifier_commitment(
            row.identifier_nonce, row.identifier_type, row.identifier
        )
    expected = event_hash(previous, seq, (row.event_id, commitment, *row[6:17]))
    return (row.seq, row.identifier_commitment, row.prev_hash, row.hash) == (
        seq,
        commitment,
        previous,
        expected,
    )


def _events(connection: Connection, statement: Select[Any]) -> Iterator[ConsentEvent]:
    rows = connection.execute(statement.order_by(consent_event.c.seq)).mappings()
    while some := list(islice(rows, _ROWS_AT_ONCE)):
        yield from map(_event, some)


def _event(row: RowMapping) -> ConsentEvent:
    return ConsentEvent(**{column.key: row[column.key] for column in _EVENT_COLUMNS})
