"""Retention over the operational store: old records of sends, and proof of consent that is over.

What a destination may hold (sync_state) stays whatever its age: an erasure must still find it.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, delete, exists, select

from activation.consent.redaction import REDACTED, redact_events
from activation.consent.vocabulary import PERMISSIVE_ACTIONS
from activation.privacy.permit import permitted
from activation.privacy.settings import PrivacySettings
from activation.store.tables import consent_event, sync_intent, sync_outcome
from activation.store.tables_sync import sync_withheld

_PERMIT = "retention"
_SUPERSEDES = ("granted", "denied", "withdrawn", "objected")


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

    The winning statement of a scope and every restriction stay, so no verdict can change.
    """
    later = consent_event.alias("later")
    superseded = exists(
        select(later.c.seq).where(
            later.c.identifier_type == consent_event.c.identifier_type,
            later.c.identifier == consent_event.c.identifier,
            later.c.purpose == consent_event.c.purpose,
            later.c.channel == consent_event.c.channel,
            later.c.action.in_(_SUPERSEDES),
            later.c.occurred_at > consent_event.c.occurred_at,
            later.c.occurred_at < before,
            later.c.recorded_at < before,
        )
    )
    return (
        select(consent_event.c.seq)
        .where(
            consent_event.c.identifier != REDACTED,
            consent_event.c.action.in_(sorted(PERMISSIVE_ACTIONS)),
            consent_event.c.recorded_at < before,
            superseded,
        )
        .order_by(consent_event.c.seq)
    )
