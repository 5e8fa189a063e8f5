"""Proofs that a stranger can check: one decision is in the log; one head extends another.

An inclusion proof is written as a C2SP tlog-proof (https://c2sp.org/tlog-proof): its `extra` line
carries the row, whom it is about, and its context when the one who asks may see it. A consistency
proof is written as a C2SP witness takes it (https://c2sp.org/tlog-witness, add-checkpoint): whoever
checks it holds the older checkpoint already.
"""

import json
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from activation.log.checkpoints import BatchHeader
from activation.log.errors import NoteRefused
from activation.log.merkle import is_consistent, leaf_hash, root_from_inclusion
from activation.log.notes import PublicKey, decode_base64, split
from activation.log.openings import Opening
from activation.log.rows import COLUMNS_OF, FORMAT_1, REFERENCES

HEADER: Final = "c2sp.org/tlog-proof@v1"


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


@dataclass(frozen=True)
class InclusionProof:
    """A row, its place, the hashes from it to the root, and the signed checkpoint of that root.

    The opening says whom the row is about, and with its key also from what it was decided.
    """

    form: str
    row: tuple[str | None, ...]
    opening: Opening | None
    path: tuple[bytes, ...]
    checkpoint: str

    @property
    def seq(self) -> int:
        """The row's place in the log, from 0."""
        return int(self.row[1] or 0)

    def values(self) -> dict[str, str | None]:
        """The row by column name, and the references as far as the proof opens them."""
        values = dict(zip(COLUMNS_OF[self.form], self.row, strict=True))
        if self.opening and self.opening.references:
            values |= dict(zip(REFERENCES, self.opening.references, strict=True))
        return values

    def text(self) -> str:
        """The proof as a file."""
        extra = _json({"row": [self.form, *self.row], "opening": _opening_document(self.opening)})
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
            form, *row = content["row"]
            if title != HEADER or len(row) != len(COLUMNS_OF[form]) or index != f"index {row[1]}":
                raise ValueError("head")
            opening = _read_opening(int(row[1]), form, content["opening"])
            nodes = tuple(decode_base64(line) for line in path)
            proof = cls(form, tuple(row), opening, nodes, checkpoint)
            # One spelling only: a proof that differs in a byte is another proof.
            if proof.text() != text:
                raise ValueError("spelling")
        except (ValueError, KeyError, TypeError, IndexError, AttributeError):
            raise NoteRefused("not an inclusion proof of this log's form") from None
        return proof

    def verify(self, key: PublicKey) -> BatchHeader:
        """The checkpoint that the row is proven to stand in. Raises NoteRefused."""
        header = BatchHeader.parse(key.open(self.checkpoint))
        leaf = leaf_hash(_json([self.form, *self.row]))
        if root_from_inclusion(leaf, self.seq, header.size, self.path) != header.root:
            raise NoteRefused(f"seq {self.seq}: the row is not in the tree of this checkpoint")
        if self.opening and self.opening.commitment != self.row[-1]:
            raise NoteRefused(f"seq {self.seq}: the opening doesn't fit the commitment")
        return header


def _opening_document(opening: Opening | None) -> dict[str, object] | None:
    if opening is None:
        return None
    said: dict[str, object] = {}
    if opening.references is not None:
        said["references"] = list(opening.references)
    if opening.key is not None:
        return said | {"key": opening.key.hex(), "context": opening.context}
    return said | {"digest": (opening.digest or b"").hex()}


def _read_opening(seq: int, form: str, said: dict[str, Any] | None) -> Opening | None:
    if said is None:
        return None
    references = None if form == FORMAT_1 else tuple(said["references"])
    if references is not None and len(references) != len(REFERENCES):
        raise ValueError("references")
    if "digest" in said:
        return Opening(seq, references, None, None, bytes.fromhex(said["digest"]))
    return Opening(seq, references, bytes.fromhex(said["key"]), str(said["context"]))


@dataclass(frozen=True)
class ConsistencyProof:
    """Two signed checkpoints and the hashes that show the older tree to be a prefix."""

    old: str
    new: str
    path: tuple[bytes, ...]

    def text(self) -> str:
        """The proof as a file: size of the older tree, hashes, the newer checkpoint."""
        size = BatchHeader.parse(split(self.old)[0]).size
        lines = [f"old {size}", *(b64encode(node).decode() for node in self.path)]
        return "\n".join(lines) + "\n\n" + self.new

    @classmethod
    def parse(cls, text: str, old: str) -> "ConsistencyProof":
        """Read a proof file beside the older checkpoint, unverified. Raises NoteRefused."""
        head, _, new = text.partition("\n\n")
        try:
            proof = cls(old, new, tuple(decode_base64(line) for line in head.split("\n")[1:]))
            if proof.text() != text:
                raise ValueError("spelling")
        except ValueError:
            raise NoteRefused("not a consistency proof from this checkpoint on") from None
        return proof

    def verify(self, *keys: PublicKey) -> tuple[BatchHeader, BatchHeader]:
        """Both headers, each signed by one of the keys (a log may have changed its key between).

        Raises NoteRefused when the newer rewrote what the older had signed.
        """
        old, new = (_opened(note, keys) for note in (self.old, self.new))
        if not is_consistent(old.size, old.root, new.size, new.root, self.path):
            raise NoteRefused(f"size {new.size} doesn't extend size {old.size}: the log forked")
        return old, new


def _opened(note: str, keys: Sequence[PublicKey]) -> BatchHeader:
    for key in keys[:-1]:
        try:
            return BatchHeader.parse(key.open(note))
        except NoteRefused:
            continue
    return BatchHeader.parse(keys[-1].open(note))
