"""Retention over the operational store: old records of sends, and proof of consent that is over.

What a destination may hold (sync_state) stays whatever its age: an erasure must still find it.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    delete,
    exists,
    not_,
    or_,
    select,
)

from activation.consent.redaction import REDACTED, redact_events
from activation.consent.vocabulary import PERMISSIVE_ACTIONS, SYSTEM_SOURCES
from activation.privacy.permit import permitted
from activation.privacy.settings import PrivacySettings
from activation.store.tables import consent_event, sync_intent, sync_outcome
from activation.store.tables_sync import sync_withheld

_PERMIT = "retention"
_REFUSES = ("denied", "withdrawn", "objected")


def expire_store(
    connection: Connection, settings: PrivacySettings, as_of: datetime
) -> dict[str, int]:
    """Remove what is over; returns rows removed or redacted, by table. A writing transaction."""
    sent_before = as_of - timedelta(days=settings.sync_records.days)
    proved_before = as_of - timedelta(days=settings.consent_proof.days)
    gone = {}
    with permitted(connection, _PERMIT):
        old = _old_sends(sent_before)
        gone["sync_outcome"] = connection.execute(
            delete(sync_outcome).where(sync_outcome.c.intent_seq.in_(old))
        ).rowcount
        gone["sync_intent"] = connection.execute(
            delete(sync_intent).where(sync_intent.c.seq.in_(old))
        ).rowcount
        gone["sync_withheld"] = connection.execute(
            delete(sync_withheld).where(sync_withheld.c.at < sent_before)
        ).rowcount
        over: Sequence[int] = connection.execute(_proof_that_is_over(proved_before)).scalars().all()
        gone["consent_event"] = redact_events(connection, over)
    return gone


def _old_sends(before: datetime) -> Select[Any]:
    # Of a mirrored row the last intent is part of its next delivery id, so those stay.
    return select(sync_intent.c.seq).where(
        sync_intent.c.op == "send",
        sync_intent.c.state == "settled",
        sync_intent.c.recorded_at < before,
    )


def _proof_that_is_over(before: datetime) -> Select[Any]:
    """Grants that nobody has relied on since `before`: another statement superseded them by then.

    Every restriction stays, and with it the `lifted` that ends it; so does a grant which opens what
    a suppression under its identifier closed. So no verdict of that identifier changes. Where the
    suppression stands under another identifier of the person the ledger can't see that it is
    theirs: then it closes the address again, which is the stricter verdict.
    """
    opens = consent_event.c.action == "granted"
    refused = _exists_other(
        before, "later", lambda one: one.c.action.in_(_REFUSES), same_scope=True
    )
    granted_anew = _exists_other(
        before,
        "anew",
        lambda one: (one.c.action == "granted") & one.c.source.not_in(sorted(SYSTEM_SOURCES)),
        same_scope=True,
    )
    suppressed = _exists_other(
        before, "closing", lambda one: one.c.action == "suppressed", same_scope=False
    )
    return (
        select(consent_event.c.seq)
        .where(
            consent_event.c.identifier != REDACTED,
            consent_event.c.action.in_(sorted(PERMISSIVE_ACTIONS)),
            consent_event.c.recorded_at < before,
            or_(granted_anew, and_(refused, not_(and_(opens, suppressed)))),
        )
        .order_by(consent_event.c.seq)
    )


def _exists_other(
    before: datetime,
    name: str,
    says: Callable[[Any], ColumnElement[bool]],
    *,
    same_scope: bool,
) -> ColumnElement[bool]:
    """Whether another statement under the event's identifier says so: for its scope one that was
    newer and known `before`, else any."""
    other = consent_event.alias(name)
    conditions = [
        other.c.identifier_type == consent_event.c.identifier_type,
        other.c.identifier == consent_event.c.identifier,
        says(other),
    ]
    if same_scope:
        conditions += [
            other.c.purpose == consent_event.c.purpose,
            other.c.channel == consent_event.c.channel,
            other.c.occurred_at > consent_event.c.occurred_at,
            other.c.occurred_at < before,
            other.c.recorded_at < before,
        ]
    return exists(select(other.c.seq).where(*conditions))
