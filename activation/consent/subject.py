"""What the ledger holds about one subject: where they stand now, or stood at any instant."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from activation.consent.events import ConsentEvent
from activation.consent.lookup import history
from activation.consent.precedence import RESTRICTIVENESS, latest
from activation.consent.suppression import ReachedEvent, newest, restriction


def show(
    connection: Connection, identifiers: Sequence[tuple[str, str]], *, as_of: datetime
) -> list[ConsentEvent]:
    """The events that decide today: the newest erasure, restriction and suppression, then the
    winning statement of each (purpose, channel) that any statement names, `*` included.

    `identifiers` are the subject's normalised (identifier_type, identifier) pairs. What happened or
    was recorded after `as_of` (aware UTC) is left out.
    """
    events = history(connection, identifiers, known_at=as_of)
    reached = [ReachedEvent(event, may_permit=True) for event in events]
    scopes = sorted({(e.purpose, e.channel) for e in events if e.action in RESTRICTIVENESS})
    standing = [newest(reached, "erased"), restriction(reached), newest(reached, "suppressed")]
    standing += [latest(reached, purpose, channel) for purpose, channel in scopes]
    found = [event for event in standing if event is not None]
    return list({event.event_id: event for event in found}.values())
