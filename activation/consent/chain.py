"""The hash chain of the consent ledger: each event's hash covers the one before it.

    commitment = sha256(canonical [nonce, identifier_type, identifier])
    hash       = sha256(canonical [previous hash, seq, the event's fields, commitment])

canonical is a JSON array of texts and nulls without blanks; instants are ISO 8601 in UTC with six
decimals. The identifier enters only through its commitment, so that nonce and identifier can be
erased while every hash still verifies.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from hashlib import sha256
from json.encoder import encode_basestring

GENESIS = "0" * 64


def identifier_commitment(nonce: str, identifier_type: str, identifier: str) -> str:
    """The hexadecimal commitment to an identifier under a random nonce."""
    return digest((nonce, identifier_type, identifier))


def event_hash(previous: str, seq: int, fields: Sequence[str | None]) -> str:
    """The hexadecimal hash of an event at place `seq` after the event whose hash is `previous`.

    `fields`: event_id, identifier commitment, purpose, channel, action, jurisdiction, lawful_basis,
    notice_version, source, evidence, occurred_at, recorded_at, expires_at.
    """
    # What repeats from event to event is put into canonical form once.
    own, repeating, late = _joined(fields[:2]), _repeating(tuple(fields[2:9])), _joined(fields[9:])
    text = f'["{previous}","{seq}",{own},{repeating},{late}]'
    return sha256(text.encode()).hexdigest()


def digest(parts: Iterable[str | None]) -> str:
    """The hexadecimal SHA-256 of the texts in canonical form."""
    return sha256(f"[{_joined(parts)}]".encode()).hexdigest()


def _joined(parts: Iterable[str | None]) -> str:
    # What json.dumps(ensure_ascii=False, separators=(",", ":")) writes, at a third of its cost.
    return ",".join(["null" if part is None else encode_basestring(part) for part in parts])


_repeating = lru_cache(maxsize=4096)(_joined)
