"""The key under which the identity models hash values, and the same hash in Python.

An unkeyed hash of an e-mail address or a telephone number is found again by hashing a list of them.
"""

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256


@dataclass(frozen=True)
class HashKey:
    """`secret` never leaves the home; `text`, made from it, is store.hash_key in the warehouse."""

    secret: bytes = field(repr=False)

    @property
    def text(self) -> str:
        """128 bits as 22 characters: with a rule's name and an address one block of SHA-256."""
        return urlsafe_b64encode(self._derived(b"text")[:16]).decode().rstrip("=")

    @property
    def key_id(self) -> str:
        """Tells keys apart and tells nothing about them."""
        return self._derived(b"id").hex()[:16]

    def of(self, rule: str, values: Sequence[str]) -> str:
        """The keyed hash of a rule's values, the first 32 digits of which are the models' key."""
        return sha256("\x1f".join([self.text, rule, *values]).encode()).hexdigest()

    def _derived(self, purpose: bytes) -> bytes:
        return hmac.digest(self.secret, b"assent.identity.hash_key:" + purpose, "sha256")


def key_hash_sql(rule: str, value: str) -> str:
    """DuckDB's SQL for `HashKey.of` of one value, an expression that is never null."""
    return f"sha256(concat_ws(chr(31), (select key from store.hash_key), '{rule}', {value}))"


def key_digits_sql(key_hash: str) -> str:
    """DuckDB's SQL for the 32 digits of a key: of a uuid, of a keyed hash's text, or of the text
    that was the key in releases before it was a uuid."""
    return f"left(replace(({key_hash})::varchar, '-', ''), 32)"
