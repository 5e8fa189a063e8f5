"""The decision log: append batches, read them back, prove and open single rows, erase openings.

    segments/000001.parquet     rows of batch 1, write-once
    checkpoints/000001          signed head after batch 1; its appearance commits the batch
    openings/000001.parquet     contexts and keys, erasable, for this directory's owner only
    public_key                  what a stranger verifies with
    lock                        held while writing

A batch is written openings first, then segment, then checkpoint. Whatever has no checkpoint never
happened, and the next writer removes it.
"""

import os
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from activation.log import canonical, openings, segments
from activation.log.appending import load_head, prepare, replenish_copies
from activation.log.checkpoints import NO_FORMER, BatchHeader
from activation.log.durable import READ_ONLY, exclusive, publish_bytes
from activation.log.errors import DecisionUnknown, DuplicateDecision, KeyProblem, LogDamaged
from activation.log.layout import Layout
from activation.log.merkle import HASH_BYTES, Frontier, Tree
from activation.log.notes import Entropy, PublicKey, SigningKey, split
from activation.log.openings import Opening
from activation.log.proofs import ConsistencyProof, InclusionProof
from activation.log.rows import SEGMENT_COLUMNS, instant_text, to_text, to_typed
from activation.log.verification import VerifyReport, verify


@dataclass(frozen=True)
class Batch:
    """What one append sealed; `rows` has rows.READ_SCHEMA: decisions, batch, seq, commitment."""

    number: int
    first_seq: int
    root: bytes
    checkpoint: str
    rows: pa.Table


class DecisionLog:
    """The log in one directory.

    Without a signing key it is for reading and proving. `copies` is a second directory, better
    on another machine, that receives each checkpoint: a log that keeps its own receipts proves
    only that it agrees with itself.
    """

    def __init__(
        self,
        directory: Path,
        *,
        signing_key: SigningKey | None = None,
        copies: Path | None = None,
        entropy: Entropy = os.urandom,
    ) -> None:
        """Open the log, creating it when there is a key, and finish what a crash interrupted.

        Raises KeyProblem when the key is not this log's, LogDamaged when files contradict the
        last checkpoint. When another process is writing, the log opens for reading all the same.
        """
        self._at = Layout(directory, copies)
        self._key = signing_key
        self._entropy = entropy
        self._headers: dict[int, BatchHeader] = {}
        if signing_key:
            prepare(self._at, signing_key)

    @property
    def public_key(self) -> PublicKey:
        """The key that verifies this log's checkpoints. Raises KeyProblem when there is none."""
        if self._key:
            return self._key.public
        try:
            return PublicKey.parse(self._at.public_key.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise KeyProblem("public_key: missing beside the log; give the key's copy") from None

    def batches(self) -> list[BatchHeader]:
        """All committed batches, the oldest first. Signatures are checked by `verify`."""
        return [self._header(number) for number in self._at.committed()]

    @property
    def size(self) -> int:
        """Number of rows committed."""
        numbers = self._at.committed()
        return self._header(numbers[-1]).size if numbers else 0

    def checkpoint(self, batch: int) -> str:
        """The signed note after a batch. Raises LogDamaged when the log has no such batch."""
        return self._at.checkpoint_text(batch)

    def _header(self, number: int) -> BatchHeader:
        if number not in self._headers:
            text, _ = split(self._at.checkpoint_text(number))
            self._headers[number] = BatchHeader.parse(text)
        return self._headers[number]

    def append(
        self, rows: pa.Table, *, as_of: datetime, release: str, sealed_at: datetime
    ) -> Batch | None:
        """Seal one batch of decision rows with their `context`; None when there are no rows.

        Cost grows with the batch, not with the log. `sealed_at` is the wall clock and stands in
        the checkpoint alone, so equal decisions are equal rows whenever they are sealed.
        Raises RowRefused, DuplicateDecision, LogBusy, LogDamaged or KeyProblem, and ValueError for
        times without a zone or a release that is not one word; then nothing was appended.
        """
        text = to_text(rows)
        canonical.check_text(text)
        if not len(text):
            return None
        if self._key is None:
            raise KeyProblem("this log was opened for reading; give the signing key to append")
        with exclusive(self._at.lock):
            head, frontier = load_head(self._at, self._key.public)
            self._refuse_repeats(text, as_of)
            return self._seal(self._key, text, head, frontier, (as_of, release, sealed_at))

    def _refuse_repeats(self, text: pa.Table, as_of: datetime) -> None:
        # as_of is part of what a decision_id digests, so only batches of the same instant can
        # hold the same id: reading those keeps the cost off the log's size.
        for header in self.batches():
            if instant_text(header.as_of) == instant_text(as_of):
                path = self._at.segment(header.number)
                known = segments.read(path, ["decision_id"]).column("decision_id")
                if pc.any(pc.is_in(text.column("decision_id"), known)).as_py():
                    raise DuplicateDecision(
                        f"batch {header.number} holds some of these decisions already; "
                        "leave out decisions that the log has"
                    )

    def _seal(
        self,
        key: SigningKey,
        text: pa.Table,
        head: BatchHeader | None,
        frontier: Frontier,
        run: tuple[datetime, str, datetime],
    ) -> Batch:
        number = head.number + 1 if head else 1
        keys = self._entropy(canonical.KEY_BYTES * len(text))
        opened = openings.table(text["person_id"], frontier.size, keys, text["context"])
        sealed = _numbered(text, number, frontier.size).append_column(
            "commitment", openings.commitments(opened)
        )
        after = frontier.extended(canonical.leaf_hashes(sealed))
        as_of, release, sealed_at = run
        header = BatchHeader(
            number=number,
            size=after.size,
            root=after.root(),
            as_of=as_of,
            release=release,
            sealed_at=sealed_at,
            previous=head.digest if head else NO_FORMER,
            origin=key.public.name,
        )
        note = key.sign(header.text())
        openings.write(self._at.opening(number), opened)
        segments.write(self._at.segment(number), sealed, frontier, after)
        publish_bytes(self._at.checkpoint(number), note.encode(), mode=READ_ONLY)
        replenish_copies(self._at)
        return Batch(number, frontier.size, header.root, note, to_typed(sealed))

    def read(self, batch: int | None = None) -> pa.Table:
        """All committed rows, or one batch's, in seq order, with rows.READ_SCHEMA.

        Raises LogDamaged when a segment is missing or can't be read.
        """
        numbers = self._at.committed() if batch is None else [batch]
        parts = [to_typed(segments.read(self._at.segment(number))) for number in numbers]
        return pa.concat_tables(parts) if parts else to_typed(_nothing())

    def _locate(self, decision_id: str) -> tuple[int, int]:
        """Batch and row within the batch. Raises DecisionUnknown."""
        for number in reversed(self._at.committed()):
            ids = segments.read(self._at.segment(number), ["decision_id"])["decision_id"]
            index = pc.index(ids, decision_id).as_py()
            if index >= 0:
                return number, index
        raise DecisionUnknown(f"decision {decision_id}: not in the log; check the id")

    def find(self, decision_id: str) -> dict[str, object]:
        """One decision as a row (rows.READ_SCHEMA). Raises DecisionUnknown."""
        number, index = self._locate(decision_id)
        rows = segments.read(self._at.segment(number)).slice(index, 1)
        return dict(to_typed(rows).to_pylist()[0])

    def opening(self, decision_id: str) -> Opening | None:
        """What the decision was made from; None when erased. Raises DecisionUnknown."""
        row = self.find(decision_id)
        return openings.find(self._at.openings, int(str(row["batch"])), int(str(row["seq"])))

    def erase(self, person_ids: Collection[str]) -> int:
        """Erase these persons' openings and return how many went; roots and rows stay as they are.

        Crash-safe: an interrupted erasure ends when the log is next opened with its key.
        Raises LogBusy, LogDamaged.
        """
        with exclusive(self._at.lock):
            return openings.erase_persons(self._at.openings, person_ids)

    def expire(self, before: datetime) -> int:
        """Erase the openings of batches decided for an instant before this one (retention)."""
        with exclusive(self._at.lock):
            old = [header.number for header in self.batches() if header.as_of < before]
            return sum(openings.erase_batch(self._at.opening(number)) for number in old)

    def _tree(self, size: int) -> Tree:
        hashes = bytearray()
        for header in self.batches():
            if len(hashes) < size * HASH_BYTES:
                hashes += canonical.leaf_hashes(segments.read(self._at.segment(header.number)))
        return Tree(bytes(hashes[: size * HASH_BYTES]))

    def prove(self, decision_id: str, *, with_opening: bool = False) -> InclusionProof:
        """The proof that a decision stands in the newest checkpoint's tree.

        Raises DecisionUnknown, or LogDamaged when the rows no longer give the signed root.
        """
        number, index = self._locate(decision_id)
        row = segments.read(self._at.segment(number)).slice(index, 1).to_pylist()[0]
        seq = int(row["seq"])
        head = self.batches()[-1]
        tree = self._tree(head.size)
        if tree.root() != head.root:
            raise LogDamaged("the rows don't give the signed root; run verify to see where")
        opening = openings.find(self._at.openings, number, seq) if with_opening else None
        values = tuple(row[name] for name in SEGMENT_COLUMNS)
        checkpoint = self.checkpoint(head.number)
        return InclusionProof(values, opening, tree.inclusion_path(seq), checkpoint)

    def prove_consistency(self, old_batch: int, new_batch: int) -> ConsistencyProof:
        """The proof that the log after one batch is a prefix of the log after a later one."""
        old, new = self._header(old_batch), self._header(new_batch)
        path = self._tree(new.size).consistency_path(old.size)
        return ConsistencyProof(self.checkpoint(old_batch), self.checkpoint(new_batch), path)

    def verify(self, public_key: PublicKey | None = None) -> VerifyReport:
        """Recompute everything. Give a public key you trust: the one beside the log proves less."""
        return verify(self._at, public_key or self.public_key)


def _numbered(text: pa.Table, batch: int, first_seq: int) -> pa.Table:
    """The decision columns of the text rows with batch and seq before them."""
    seqs = pa.array(range(first_seq, first_seq + len(text)), pa.int64()).cast(pa.string())
    rows = text.drop_columns(["context"])
    rows = rows.add_column(0, "seq", seqs)
    return rows.add_column(0, "batch", pa.repeat(str(batch), len(text)))


def _nothing() -> pa.Table:
    return pa.schema({name: pa.string() for name in SEGMENT_COLUMNS}).empty_table()
