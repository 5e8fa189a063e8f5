"""Global Privacy Control: the opt-out that a browser signals, recorded once for each identifier.

The specification is https://www.w3.org/TR/gpc/: a request with the header `Sec-GPC: 1`. A browser
sends it with every request, so that one event stands for all of them. Whoever signalled may still
say otherwise: their newer grant of a purpose and channel answers the signal (California's CCPA
regulations, section 7025 (c)(3)), and later requests do not undo that answer.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from sqlalchemy import Engine

from activation.consent.events import ConsentEvent, InvalidEvent
from activation.consent.identifiers import normalise
from activation.consent.ledger import append, lock_head
from activation.consent.lookup import history
from activation.consent.vocabulary import ANY, OPTED_OUT
from activation.store import transaction

HEADER: Final = "sec-gpc"
SOURCE: Final = "gpc"
_ID_BYTES = 12


def signals_opt_out(headers: Mapping[str, str]) -> bool:
    """Whether a request's headers (names in any case) signal an opt-out: the value is 1, nothing
    else."""
    return any(name.lower() == HEADER and value == "1" for name, value in headers.items())


def record_signal(
    engine: Engine,
    *,
    identifier_type: str,
    identifier: str,
    seen_at: datetime,
    recorded_at: datetime,
    entropy: Callable[[int], bytes],
    country: str | None = None,
) -> ConsentEvent:
    """The event that says that whoever goes by the identifier signals an opt-out: the one that the
    ledger holds, or a new one.

    Instants are aware and UTC; `entropy` gives the bytes of the event's id, `country` helps to read
    a phone number. Raises InvalidEvent, which names the field and the fix and repeats no value.
    """
    event_id = "s_" + entropy(_ID_BYTES).hex()
    try:
        normal = normalise(identifier_type, identifier, country)
    except ValueError as error:
        raise InvalidEvent(event_id, "identifier_type", str(error)) from None
    if normal is None:
        raise InvalidEvent(event_id, "identifier", f"is no readable {identifier_type}")
    with transaction(engine) as connection:
        lock_head(connection)
        for event in history(connection, [(identifier_type, normal)]):
            if event.action == OPTED_OUT and event.occurred_at <= seen_at:
                return event
        event = ConsentEvent(
            event_id=event_id,
            identifier_type=identifier_type,
            identifier=normal,
            purpose=ANY,
            channel=ANY,
            action=OPTED_OUT,
            source=SOURCE,
            occurred_at=seen_at,
            recorded_at=recorded_at,
            jurisdiction=country,
        )
        append(connection, [event])
        return event
