"""Suppression and restriction: what closes an address or a person, and who may open them again.

A suppression of every purpose on one channel, given under an identifier that is an address of that
channel, is about the address; any other is about the person. Only the person's own newer grant
lifts one. It lifts an address on its channel; purposes that rest on consent or legitimate interests
need that grant to name them, so a person who complained about marketing and later accepts
onboarding mail gets no marketing again.

An opt-out preference signal (Global Privacy Control) refuses what the regimes bind to it, until the
person's own newer grant names the purpose and channel.

A restriction of processing (GDPR Article 18) holds for the person as a whole, and only their own
newer `lifted` ends it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from activation.consent.events import ConsentEvent
from activation.consent.vocabulary import ADDRESS_TYPE, ANY, LIFTED, OPTED_OUT, SYSTEM_SOURCES


@dataclass(frozen=True, slots=True)
class Address:
    """An identifier of a person; a blocked one (an agent's phone) is nowhere to write to."""

    identifier_type: str
    identifier: str
    is_blocked: bool = False


@dataclass(frozen=True, slots=True)
class ReachedEvent:
    """An event and whether the link over which it reaches the person may carry permissions."""

    event: ConsentEvent
    may_permit: bool

    @property
    def is_own(self) -> bool:
        """Whether it is the person's own word, and not that of a system or of a namesake."""
        return self.may_permit and self.event.source not in SYSTEM_SOURCES


def is_about_address(event: ConsentEvent) -> bool:
    """Whether a suppression is about the address it was given under, not about the person."""
    return event.purpose == ANY and ADDRESS_TYPE.get(event.channel) == event.identifier_type


def own_grant_at(
    known: Iterable[ReachedEvent], channel: str, purpose: str | None = None
) -> datetime | None:
    """When the person themselves last granted something on the channel (for the purpose)."""
    return max(
        (
            reached.event.occurred_at
            for reached in known
            if reached.event.action == "granted"
            and reached.is_own
            and reached.event.channel == channel
            and purpose in (None, reached.event.purpose)
        ),
        default=None,
    )


def restriction(known: Sequence[ReachedEvent]) -> ConsentEvent | None:
    """The newest restriction of processing that the person has not lifted since, or None."""
    restricted = newest(known, "restricted")
    lifted = newest((reached for reached in known if reached.is_own), LIFTED)
    if restricted and lifted and is_older(restricted, lifted.occurred_at):
        return None
    return restricted


def opt_out(known: Sequence[ReachedEvent], purpose: str, channel: str) -> ConsentEvent | None:
    """The newest opt-out signal that the person has not answered with a grant since, or None."""
    signal = newest(known, OPTED_OUT)
    if signal and is_older(signal, own_grant_at(known, channel, purpose)):
        return None
    return signal


def newest(known: Iterable[ReachedEvent], action: str) -> ConsentEvent | None:
    """The last event with this action, over any purpose, channel and link."""
    events = (reached.event for reached in known if reached.event.action == action)
    return max(events, key=lambda event: (event.occurred_at, event.event_id), default=None)


def suppression(
    known: Sequence[ReachedEvent],
    addresses: Iterable[Address],
    purpose: str,
    channel: str,
    *,
    is_owed: bool,
) -> ConsentEvent | None:
    """The event that suppresses the person for the purpose and channel, or None.

    `is_owed` says that the purpose rests on a contract or a legal obligation: then it is enough
    that one address is not suppressed, or no longer.
    """
    suppressions = [reached.event for reached in known if reached.event.action == "suppressed"]
    lifted_at = own_grant_at(known, channel, purpose)
    reopened_at = own_grant_at(known, channel)
    about_person = [
        event
        for event in suppressions
        if not is_about_address(event) and event.covers(purpose, channel)
        if not is_older(event, lifted_at)
    ]
    about_addresses = [
        event for event in suppressions if is_about_address(event) and event.channel == channel
    ]
    standing = [event for event in about_addresses if not is_older(event, reopened_at)]
    closed = {event.identifier for event in standing}
    is_reachable = any(
        address.identifier_type == ADDRESS_TYPE.get(channel)
        and not address.is_blocked
        and address.identifier not in closed
        for address in addresses
    )
    reopened = [
        event
        for event in about_addresses
        if is_older(event, reopened_at) and not is_older(event, lifted_at)
    ]
    effective = [
        *about_person,
        *([] if is_reachable else standing),
        *([] if is_owed else reopened),
    ]
    return max(effective, key=lambda event: (event.occurred_at, event.event_id), default=None)


def is_older(event: ConsentEvent, instant: datetime | None) -> bool:
    """Whether an own statement of that instant takes the event back."""
    # At the same instant the restriction holds.
    return instant is not None and event.occurred_at < instant
