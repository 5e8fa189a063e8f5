"""The keyed hash under which an erased identifier is remembered, in Python and as DuckDB's SQL.

    hash = sha256(secret || sha256(secret || kind || ':' || value)), in hexadecimal

`secret` is the key in hexadecimal; nesting keeps the hash from being extended, as HMAC does. The
value must be normalised: one spelling for each mailbox, phone line and record id.
"""

from dataclasses import dataclass, field
from hashlib import sha256


@dataclass(frozen=True)
class Keyed:
    """Hashes identifiers with one key; `key_id` tells keys apart and tells nothing about them."""

    key: bytes = field(repr=False)

    @property
    def key_id(self) -> str:
        return sha256(b"assent.erasure.key:" + self.key).hexdigest()[:16]

    @property
    def secret(self) -> str:
        """What the SQL form is given as the parameter `$secret`."""
        return self.key.hex()

    def hash(self, kind: str, value: str) -> str:
        inner = sha256(f"{self.secret}{kind}:{value}".encode()).hexdigest()
        return sha256(f"{self.secret}{inner}".encode()).hexdigest()


def hash_sql(kind: str, expression: str) -> str:
    """DuckDB's SQL for `Keyed.hash` of a text expression; null where that is null."""
    return f"sha256($secret || sha256($secret || '{kind}:' || {expression}))"
