"""One statement of a person, checked and recorded: for whoever hears it (a colleague, a form)."""

from collections.abc import Callable, Set
from datetime import datetime

from sqlalchemy import Engine

from activation.consent.events import ConsentEvent, InvalidEvent
from activation.consent.identifiers import normalise
from activation.consent.ledger import AppendResult, append
from activation.consent.notices import with_known_notice
from activation.consent.vocabulary import IDENTIFIER_TYPES
from activation.store import transaction

_ID_BYTES = 12


def record(
    engine: Engine,
    *,
    identifier_type: str,
    identifier: str,
    purpose: str,
    channel: str,
    action: str,
    source: str,
    occurred_at: datetime,
    recorded_at: datetime,
    notices: Set[str],
    purposes: Set[str],
    entropy: Callable[[int], bytes],
    country: str | None = None,
    notice_version: str | None = None,
    evidence: str | None = None,
    expires_at: datetime | None = None,
) -> tuple[ConsentEvent, AppendResult]:
    """Append one event to the ledger and return it with what the append did.

    `identifier` is as the person writes it; `country` helps to read a phone number in national
    form. `purposes` are those of the regimes, `notices` the versions of notices.yml. Instants are
    aware and UTC; `entropy` gives the bytes of the event's id. Raises InvalidEvent, which names the
    field and the fix and repeats no value.
    """
    event_id = "m_" + entropy(_ID_BYTES).hex()
    if identifier_type not in IDENTIFIER_TYPES:
        known = ", ".join(IDENTIFIER_TYPES)
        raise InvalidEvent(event_id, "identifier_type", f"use one of {known}")
    normal = normalise(identifier_type, identifier, country)
    if normal is None:
        raise InvalidEvent(event_id, "identifier", f"is no readable {identifier_type}")
    if purpose not in {*purposes, "*"}:
        known = ", ".join(sorted(purposes))
        raise InvalidEvent(event_id, "purpose", f"use one of {known}, or * to restrict")
    if occurred_at > recorded_at:
        raise InvalidEvent(event_id, "occurred_at", "lies in the future; give when it was said")
    event = ConsentEvent(
        event_id=event_id,
        identifier_type=identifier_type,
        identifier=normal,
        purpose=purpose,
        channel=channel,
        action=action,
        source=source,
        occurred_at=occurred_at,
        recorded_at=recorded_at,
        expires_at=expires_at,
        jurisdiction=country,
        notice_version=notice_version,
        evidence=evidence,
    )
    with transaction(engine) as connection:
        return event, append(connection, [with_known_notice(event, notices)])
