"""Checkpoints: the signed head of the log after each batch (https://c2sp.org/tlog-checkpoint).

The three mandatory lines are origin, size and root. Extension lines carry what a batch must not be
able to deny and no row says: its number, the instant it was decided for, the release, the wall
clock when it was sealed, and the digest of the former checkpoint, which makes them a chain. A batch
whose inputs were recorded names their digest too (`inputs`), the others have no such line.
"""

import re
from base64 import b64encode
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Final

from activation.log.errors import NoteRefused
from activation.log.merkle import HASH_BYTES
from activation.log.notes import decode_base64
from activation.log.rows import instant_text, parse_instant

NO_FORMER: Final = "none"
_LABELS: Final = ("batch", "as-of", "release", "inputs", "sealed-at", "previous")
_DECIMAL: Final = re.compile(r"0|[1-9][0-9]{0,17}", re.ASCII)


def digest(text: str) -> str:
    """How a checkpoint names its predecessor: SHA-256 of the note's text, signatures left out.

    A witness may add its signature to a note later; the chain holds all the same.
    """
    return b64encode(sha256(text.encode()).digest()).decode()


@dataclass(frozen=True)
class BatchHeader:
    """One batch as its checkpoint states it. `size` counts all rows up to and with this batch.

    `as_of` and `sealed_at` are UTC; `previous` is the digest of the former checkpoint's text.
    """

    number: int
    size: int
    root: bytes
    as_of: datetime
    release: str
    sealed_at: datetime
    previous: str
    origin: str
    inputs: str | None = None

    def text(self) -> str:
        """The note text to sign. Raises ValueError for a release that is not one plain word."""
        if not re.fullmatch(r"[!-~]+", self.release):
            raise ValueError("release: must be one word of printable ASCII")
        values = (
            str(self.number),
            instant_text(self.as_of),
            self.release,
            self.inputs,
            instant_text(self.sealed_at),
            self.previous,
        )
        extensions = [
            f"{label} {value}"
            for label, value in zip(_LABELS, values, strict=True)
            if value is not None
        ]
        lines = [self.origin, str(self.size), b64encode(self.root).decode(), *extensions]
        return "\n".join(lines) + "\n"

    @property
    def digest(self) -> str:
        """What the next checkpoint's `previous` must say."""
        return digest(self.text())

    @classmethod
    def parse(cls, text: str) -> "BatchHeader":
        """Read a note text. Raises NoteRefused unless writing it again gives the same text."""
        lines = text.split("\n")
        try:
            origin, size, root, *extensions = lines[:-1]
            said = {label: value for label, _, value in (x.partition(" ") for x in extensions)}
            if not _DECIMAL.fullmatch(size) or not _DECIMAL.fullmatch(said["batch"]):
                raise ValueError("number")
            header = cls(
                number=int(said["batch"]),
                size=int(size),
                root=decode_base64(root),
                as_of=parse_instant(said["as-of"]),
                release=said["release"],
                sealed_at=parse_instant(said["sealed-at"]),
                previous=said["previous"],
                origin=origin,
                inputs=said.get("inputs"),
            )
            digests = [header.root] + ([decode_base64(header.inputs)] if header.inputs else [])
            # Equal to what it writes again: so in this order, with no other line and spelling.
            whole = {len(one) for one in digests} == {HASH_BYTES} and header.text() == text
        except (ValueError, KeyError):
            whole = False
        if not whole:
            raise NoteRefused("the checkpoint's text is not in the form this version writes")
        return header
