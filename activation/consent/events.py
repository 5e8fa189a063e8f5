"""One consent event: what a person, or a system on their behalf, said about being contacted."""

from dataclasses import dataclass
from datetime import datetime

from activation.consent.vocabulary import (
    ACTIONS,
    ANY,
    CHANNELS,
    IDENTIFIER_TYPES,
    LIFTED,
    OPTED_OUT,
    PERMISSIVE_ACTIONS,
)


class InvalidEvent(ValueError):
    """An event that the ledger refuses; names the event, the field and the fix, never a value."""

    def __init__(self, event_id: str, field: str, fix: str) -> None:
        super().__init__(f"consent event {event_id}: {field}: {fix}")
        self.event_id = event_id
        self.field = field
        self.fix = fix


@dataclass(frozen=True, slots=True)
class ConsentEvent:
    """A consent event; all instants are aware and UTC.

    `identifier` is normalised. `purpose` and `channel` may be `*` in a restriction, never in a
    grant. `occurred_at` is when it was said, `recorded_at` when the ledger learned of it. `seq` is
    the place in the ledger, 0 before it is recorded. Raises InvalidEvent.
    """

    event_id: str
    identifier_type: str
    identifier: str
    purpose: str
    channel: str
    action: str
    source: str
    occurred_at: datetime
    recorded_at: datetime
    expires_at: datetime | None = None
    jurisdiction: str | None = None
    lawful_basis: str | None = None
    notice_version: str | None = None
    evidence: str | None = None
    seq: int = 0

    def __post_init__(self) -> None:
        if self.action not in ACTIONS:
            raise InvalidEvent(self.event_id, "action", f"use one of {', '.join(ACTIONS)}")
        if self.identifier_type not in IDENTIFIER_TYPES:
            known = ", ".join(IDENTIFIER_TYPES)
            raise InvalidEvent(self.event_id, "identifier_type", f"use one of {known}")
        if self.channel != ANY and self.channel not in CHANNELS:
            raise InvalidEvent(self.event_id, "channel", f"use one of {', '.join(CHANNELS)} or *")
        if self.action in PERMISSIVE_ACTIONS and ANY in (self.purpose, self.channel):
            fix = "a grant must name its purpose and channel; * may only restrict"
            raise InvalidEvent(self.event_id, "purpose, channel", fix)
        if self.action == LIFTED and (self.purpose, self.channel) != (ANY, ANY):
            fix = "a restriction holds for everything, so what lifts it names * for both"
            raise InvalidEvent(self.event_id, "purpose, channel", fix)
        if self.action == OPTED_OUT and (self.purpose, self.channel) != (ANY, ANY):
            fix = "a signal names no purpose, so write * for both; regimes.yml says what it binds"
            raise InvalidEvent(self.event_id, "purpose, channel", fix)
        if not (self.event_id and self.identifier and self.purpose and self.source):
            fix = "must not be empty"
            raise InvalidEvent(self.event_id, "event_id, identifier, purpose, source", fix)
        for instant in (self.occurred_at, self.recorded_at, self.expires_at):
            if instant is not None and instant.tzinfo is None:
                fix = "give an instant with a time zone"
                raise InvalidEvent(self.event_id, "occurred_at, recorded_at, expires_at", fix)

    def covers(self, purpose: str, channel: str) -> bool:
        """Whether the event speaks about this purpose and channel."""
        return self.purpose in (purpose, ANY) and self.channel in (channel, ANY)
