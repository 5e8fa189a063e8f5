"""Proofs that a stranger can check: one decision is in the log; one head extends another.

An inclusion proof is written as a C2SP tlog-proof (https://c2sp.org/tlog-proof): its `extra` line
carries the row, and the opening when the one who asks may see it.
"""

import json
from base64 import b64encode
from dataclasses import dataclass
from typing import Final

from activation.log.canonical import commitment
from activation.log.checkpoints import BatchHeader
from activation.log.errors import NoteRefused
from activation.log.merkle import is_consistent, leaf_hash, root_from_inclusion
from activation.log.notes import PublicKey, decode_base64
from activation.log.openings import Opening
from activation.log.rows import FORMAT, SEGMENT_COLUMNS

HEADER: Final = "c2sp.org/tlog-proof@v1"


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


@dataclass(frozen=True)
class InclusionProof:
    """A row, its place, the hashes from it to the root, and the signed checkpoint of that root."""

    row: tuple[str | None, ...]
    opening: Opening | None
    path: tuple[bytes, ...]
    checkpoint: str

    @property
    def seq(self) -> int:
        """The row's place in the log, from 0."""
        return int(self.values()["seq"] or 0)

    def values(self) -> dict[str, str | None]:
        """The row by column name."""
        return dict(zip(SEGMENT_COLUMNS, self.row, strict=True))

    def text(self) -> str:
        """The proof as a file."""
        opening = None
        if self.opening:
            opening = {"key": self.opening.key.hex(), "context": self.opening.context}
        extra = _json({"row": [FORMAT, *self.row], "opening": opening})
        lines = [HEADER, f"extra {b64encode(extra).decode()}", f"index {self.seq}"]
        lines += [b64encode(node).decode() for node in self.path]
        return "\n".join(lines) + "\n\n" + self.checkpoint

    @classmethod
    def parse(cls, text: str) -> "InclusionProof":
        """Read a proof file; nothing is verified. Raises NoteRefused when it isn't one."""
        head, _, checkpoint = text.partition("\n\n")
        try:
            title, extra, index, *path = head.split("\n")
            content = json.loads(decode_base64(extra.removeprefix("extra ")))
            version, *row = content["row"]
            given = content["opening"]
            if title != HEADER or version != FORMAT or index != f"index {row[1]}":
                raise ValueError("head")
            opening = None
            if given is not None:
                key, context = bytes.fromhex(given["key"]), str(given["context"])
                person = row[SEGMENT_COLUMNS.index("person_id")]
                opening = Opening(int(row[1]), person, key, context)
            nodes = tuple(decode_base64(line) for line in path)
            proof = cls(tuple(row), opening, nodes, checkpoint)
            # One spelling only: a proof that differs in a byte is another proof.
            if proof.text() != text:
                raise ValueError("spelling")
        except (ValueError, KeyError, TypeError, IndexError):
            raise NoteRefused("not an inclusion proof of this log's form") from None
        return proof

    def verify(self, key: PublicKey) -> BatchHeader:
        """The checkpoint that the row is proven to stand in. Raises NoteRefused."""
        header = BatchHeader.parse(key.open(self.checkpoint))
        leaf = leaf_hash(_json([FORMAT, *self.row]))
        if root_from_inclusion(leaf, self.seq, header.size, self.path) != header.root:
            raise NoteRefused(f"seq {self.seq}: the row is not in the tree of this checkpoint")
        if self.opening:
            context = self.opening.context.encode()
            if commitment(self.opening.key, self.seq, context) != self.values()["commitment"]:
                raise NoteRefused(f"seq {self.seq}: the opening doesn't fit the commitment")
        return header


@dataclass(frozen=True)
class ConsistencyProof:
    """Two signed checkpoints and the hashes that show the older tree to be a prefix."""

    old: str
    new: str
    path: tuple[bytes, ...]

    def verify(self, key: PublicKey) -> tuple[BatchHeader, BatchHeader]:
        """Both headers. Raises NoteRefused when the newer rewrote what the older had signed."""
        old, new = (BatchHeader.parse(key.open(note)) for note in (self.old, self.new))
        if not is_consistent(old.size, old.root, new.size, new.root, self.path):
            raise NoteRefused(f"size {new.size} doesn't extend size {old.size}: the log forked")
        return old, new
