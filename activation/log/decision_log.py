"""The decision log: append batches, read them back, prove and open single rows, erase openings.

segments/000001.parquet     rows of batch 1, write-once
checkpoints/000001          signed head after batch 1; its appearance commits the batch
openings/000001.parquet     contexts and keys, erasable, for this directory's owner only
inputs/000001/              what batch 1 was decided from, erasable too
journal/                    single decisions that wait to be sealed
public_key                  what a stranger verifies with
lock                        held while writing
"""

import os
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from activation.log import canonical, erasure, journal, openings, segments
from activation.log.appending import prepare
from activation.log.checkpoints import BatchHeader
from activation.log.durable import exclusive
from activation.log.errors import DecisionUnknown, DuplicateDecision, KeyProblem, LogDamaged
from activation.log.inputs import Inputs, Recorded
from activation.log.inputs import read as read_inputs
from activation.log.journal import Journal
from activation.log.layout import Layout
from activation.log.merkle import HASH_BYTES, Tree
from activation.log.notes import Entropy, PublicKey, SigningKey, split
from activation.log.openings import Opening
from activation.log.proofs import ConsistencyProof, InclusionProof
from activation.log.rows import GIVEN_SCHEMA, SEGMENT_COLUMNS, to_text, to_typed
from activation.log.sealing import Batch, Run, Writer, committed, known
from activation.log.stream import LogStream
from activation.log.verification import VerifyReport, verify


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
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Open the log, creating it when there is a key, and finish what a crash interrupted.

        Raises KeyProblem when the key is not this log's, LogDamaged when files contradict the
        last checkpoint. When another process is writing, the log opens for reading all the same.
        """
        self._at = Layout(directory, copies)
        self._key = signing_key
        self._entropy = entropy
        self._clock = clock
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
        self,
        rows: pa.Table,
        *,
        as_of: datetime,
        release: str,
        sealed_at: datetime,
        inputs: Inputs | None = None,
    ) -> Batch | None:
        """Seal one batch of decision rows with their `context`; None when there are no rows.

        Cost grows with the batch, not with the log. `sealed_at` is the wall clock and stands in
        the checkpoint alone, so equal decisions are equal rows whenever they are sealed. `inputs`
        are kept beside the batch for replay, and its checkpoint names their digest. What waits in
        the journal is sealed before, as a batch of its own.
        Raises RowRefused, DuplicateDecision, LogBusy, LogDamaged or KeyProblem, and ValueError for
        times without a zone or a release that is not one word; then nothing was appended.
        """
        text = to_text(rows)
        canonical.check_text(text)
        if not len(text):
            return None
        with self._writing(sealed_at) as writer:
            batch, mask = known(self._at, self.batches(), text)
            if pc.any(mask).as_py():
                raise DuplicateDecision(
                    f"batch {batch} holds some of these decisions already; "
                    "leave out decisions that the log has"
                )
            return writer.seal(text, Run(as_of, release, sealed_at), inputs)

    def stream(self, *, rows_at_once: int = 10_000) -> LogStream:
        """A writer of single decisions with group commit: durable when `append` returns, sealed
        when `rows_at_once` wait, at the next batch, or by `seal`. Raises KeyProblem."""
        if self._key is None:
            raise KeyProblem("this log was opened for reading; give the signing key to append")
        return LogStream(Journal(self._at.journal), self.seal, rows_at_once)

    def seal(self) -> Batch | None:
        """Seal what waits in the journal; None when nothing does. Raises LogBusy, LogDamaged."""
        with self._writing(self._clock()) as writer:
            return writer.drained

    def pending(self) -> pa.Table:
        """Streamed decisions that are durable and not sealed yet: DECISION_COLUMNS and context."""
        return to_typed(journal.pending(self._at.journal), GIVEN_SCHEMA)

    @contextmanager
    def _writing(self, sealed_at: datetime) -> Iterator[Writer]:
        """Hold the log, with everything that a crash or a stream left already sealed."""
        if self._key is None:
            raise KeyProblem("this log was opened for reading; give the signing key to append")
        with exclusive(self._at.lock):
            writer = Writer(self._at, self._key, self._entropy)
            writer.drain(self.batches(), sealed_at)
            yield writer

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

    def inputs(self, batch: int) -> Recorded | None:
        """What a batch was decided from; None when not recorded, or erased by retention.

        Raises LogDamaged, naming the table, when it is not what was recorded.
        """
        return read_inputs(self._at.recorded(batch))

    def openings(self, batch: int) -> pa.Table:
        """A batch's openings that are not erased (openings.SCHEMA)."""
        path = self._at.opening(batch)
        return openings.read(path) if path.exists() else openings.SCHEMA.empty_table()

    def differing(self, batch: int, seqs: pa.ChunkedArray, rows: pa.Table) -> pa.Array:
        """Positions of those `rows` (GIVEN_SCHEMA) that would be other leaves than those sealed.

        `seqs` says which sealed row each one is held against, by the key of its opening.
        """
        sealed, opened = segments.read(self._at.segment(batch)), self.openings(batch)
        row_keys = opened["key"].take(pc.index_in(seqs, value_set=opened["seq"]))
        numbers = seqs.combine_chunks()
        again, _ = committed(to_text(rows), batch, numbers, row_keys.combine_chunks())
        places = pc.index_in(numbers.cast(pa.string()), value_set=sealed["seq"])
        hashes = (canonical.leaf_hashes(one) for one in (sealed.take(places), again))
        left, right = (np.frombuffer(one, np.uint8).reshape(-1, HASH_BYTES) for one in hashes)
        return pa.array(np.flatnonzero((left != right).any(axis=1)))

    def erase(self, person_ids: Collection[str]) -> int:
        """Erase these persons' openings, and their rows of the inputs; roots and rows stay.

        Returns how many openings went.
        Crash-safe: an interrupted erasure ends when the log is next opened with its key.
        Raises LogBusy, LogDamaged.
        """
        with self._changing():
            return erasure.erase_persons(self._at, person_ids)

    def expire(self, before: datetime) -> int:
        """Erase openings and inputs of batches decided for an instant before this (retention)."""
        with self._changing():
            old = [header.number for header in self.batches() if header.as_of < before]
            return sum(erasure.erase_batch(self._at, number) for number in old)

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """Hold the log to erase: nothing may wait in the journal, where erasure doesn't reach."""
        if self._key:
            with self._writing(self._clock()):
                yield
            return
        with exclusive(self._at.lock):
            if len(journal.pending(self._at.journal)):
                raise KeyProblem("decisions wait to be sealed; open the log with its signing key")
            yield

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


def _nothing() -> pa.Table:
    return pa.schema({name: pa.string() for name in SEGMENT_COLUMNS}).empty_table()
