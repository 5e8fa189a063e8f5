"""Takes identifiers out of the ledger; the chain covers commitments and goes on verifying."""

from collections.abc import Sequence

from sqlalchemy import Connection, tuple_, update

from activation.store.tables import consent_event

#: Stands where an identifier was; no identifier normalises to it.
REDACTED = "erased"
_PAIRS_AT_ONCE = 500


def redact(connection: Connection, identifiers: Sequence[tuple[str, str]]) -> int:
    """Remove identifier and nonce of every event under the (identifier_type, identifier) pairs.

    What was said, when, and on which notice remains, and names nobody. `connection` must hold a
    permit (activation.privacy.permit). Returns how many events were redacted.
    """
    key = tuple_(consent_event.c.identifier_type, consent_event.c.identifier)
    redacted = 0
    for start in range(0, len(identifiers), _PAIRS_AT_ONCE):
        some = list(identifiers[start : start + _PAIRS_AT_ONCE])
        statement = update(consent_event).where(key.in_(some))
        redacted += connection.execute(
            statement.values(identifier=REDACTED, identifier_nonce="")
        ).rowcount
    return redacted


def redact_events(connection: Connection, seqs: Sequence[int]) -> int:
    """The same for single events, by their places in the ledger."""
    redacted = 0
    for start in range(0, len(seqs), _PAIRS_AT_ONCE):
        some = list(seqs[start : start + _PAIRS_AT_ONCE])
        statement = update(consent_event).where(consent_event.c.seq.in_(some))
        redacted += connection.execute(
            statement.values(identifier=REDACTED, identifier_nonce="")
        ).rowcount
    return redacted


def is_redacted(identifier: str, nonce: str) -> bool:
    """Whether a stored event has lost its identifier."""
    return identifier == REDACTED and not nonce
