"""The decision log: append batches, read them back, prove and open single rows, erase openings.

    segments/000001.parquet     rows of batch 1, write-once
    checkpoints/000001          signed head after batch 1; its appearance commits the batch
    openings/000001.parquet     whom the rows are about and from what, erasable, for the owner alone
    inputs/000001/              what batch 1 was decided from, erasable too
    transitions/000001          from which batch on another key signs
    tree/                       cached subtree roots for proofs, never trusted
    journal/                    single decisions that wait to be sealed
    public_key                  what a stranger verifies with
    lock                        held while writing

Whatever has no checkpoint never happened (activation.log.sealing).
"""

import os
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from activation.log import canonical, erasure, journal, openings, references, segments, subtrees
from activation.log.appending import prepare
from activation.log.checkpoints import BatchHeader
from activation.log.durable import exclusive
from activation.log.errors import DuplicateDecision, KeyProblem
from activation.log.inputs import Inputs, Recorded
from activation.log.inputs import read as read_inputs
from activation.log.journal import Journal
from activation.log.layout import Layout
from activation.log.merkle import HASH_BYTES
from activation.log.notes import Entropy, PublicKey, SigningKey, split
from activation.log.openings import Opening
from activation.log.proofs import ConsistencyProof, InclusionProof
from activation.log.proving import Prover, repair
from activation.log.rotation import KeyChain, Transition, read_chain
from activation.log.rows import GIVEN_SCHEMA, READ_SCHEMA, to_text, to_typed
from activation.log.sealing import Batch, Run, Writer, committed, known
from activation.log.stream import LogStream, Wait
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
        self._settled: int | None = None  # where this object left the log in order
        if signing_key:
            prepare(self._at, signing_key)

    @property
    def public_key(self) -> PublicKey:
        """The first key, which verifies all checkpoints. Raises KeyProblem when there is none."""
        return self.keys.first

    @property
    def keys(self) -> KeyChain:
        """The first key and its transitions. Raises KeyProblem, LogDamaged."""
        try:
            first = PublicKey.parse(self._at.public_key.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise KeyProblem("public_key: missing beside the log; give the key's copy") from None
        return read_chain(self._at, first)

    def rotate_key(self, new: SigningKey) -> Transition:
        """Let `new` sign from the next batch on; this log goes on with it.

        Store the new key first: once the transition is written, the old key is of no use. Raises
        KeyProblem when the new key is not new or of another origin, LogBusy, LogDamaged.
        """
        with self._writing(self._clock()) as writer:
            transition = writer.rotate(new, self._clock())
        self._key = new
        return transition

    def batches(self) -> list[BatchHeader]:
        """All committed batches, the oldest first. Signatures are checked by `verify`."""
        numbers = self._at.committed()
        return self._headers_to(numbers[-1]) if numbers else []

    @property
    def size(self) -> int:
        """Number of rows committed."""
        numbers = self._at.committed()
        return self._header(numbers[-1]).size if numbers else 0

    def checkpoint(self, batch: int) -> str:
        """The signed note after a batch. Raises LogDamaged when the log has no such batch."""
        return self._at.checkpoint_text(batch)

    def _headers_to(self, last: int) -> list[BatchHeader]:
        return [self._header(number) for number in range(1, last + 1)]

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
            batch, mask = known(self._at, self._headers_to(writer.last), text)
            if pc.any(mask).as_py():
                raise DuplicateDecision(
                    f"batch {batch} holds some of these decisions already; "
                    "leave out decisions that the log has"
                )
            return writer.seal(text, Run(as_of, release, sealed_at), inputs)

    def stream(
        self,
        *,
        rows_at_once: int | None = 10_000,
        seal_every: timedelta | None = None,
        wait: Wait = threading.Event.wait,
    ) -> LogStream:
        """A writer of single decisions with group commit: durable when `append` returns, sealed
        when `rows_at_once` wait (None: never for that), every `seal_every`, at the next batch, or
        by `seal`. `wait` is the timer's clock. Raises KeyProblem."""
        if self._key is None:
            raise KeyProblem("this log was opened for reading; give the signing key to append")
        return LogStream(Journal(self._at.journal), self.seal, rows_at_once, seal_every, wait)

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
            settled, self._settled = self._settled, None
            writer = Writer(self._at, self._key, self._entropy, settled)
            if not subtrees.is_whole(self._at, writer.size):
                repair(self._at, self._headers_to(writer.last))
            writer.drain(self._headers_to, sealed_at)
            yield writer
            self._settled = writer.last

    def read(self, batch: int | None = None) -> pa.Table:
        """All committed rows, or one batch's, in seq order, with rows.READ_SCHEMA.

        Raises LogDamaged when a segment is missing or can't be read.
        """
        numbers = self._at.committed() if batch is None else [batch]
        parts = [references.rows(self._at, number) for number in numbers]
        return pa.concat_tables(parts) if parts else READ_SCHEMA.empty_table()

    def _prover(self) -> Prover:
        return Prover(self._at, self.batches())

    def _locate(self, decision: str | int) -> tuple[int, int]:
        """Batch and seq of a decision_id or seq. Raises DecisionUnknown."""
        prover = self._prover()
        if isinstance(decision, int):
            return prover.batch_of(decision), decision
        return prover.locate(decision)

    def find(self, decision: str | int) -> dict[str, object]:
        """One decision by id or seq, as a row (rows.READ_SCHEMA). Raises DecisionUnknown."""
        number, seq = self._locate(decision)
        rows = references.rows(self._at, number)
        return dict(rows.filter(pc.equal(rows["seq"], seq)).to_pylist()[0])

    def about(self, subject_id: str, at: datetime | None = None) -> pa.Table:
        """The newest row of each node about a subject, decided at `at` or before (READ_SCHEMA)."""
        return references.about(self._at, self.batches(), subject_id, at)

    def opening(self, decision: str | int) -> Opening | None:
        """What opens a decision's commitment; None when erased. Raises DecisionUnknown."""
        return openings.find(self._at.openings, *self._locate(decision))

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
        numbers = seqs.combine_chunks()
        row_keys = opened["key"].take(pc.index_in(numbers, value_set=opened["seq"]))
        form = segments.form_of(sealed)
        again = committed(to_text(rows), batch, numbers, row_keys.combine_chunks(), form)[0]
        places = pc.index_in(numbers.cast(pa.string()), value_set=sealed["seq"])
        hashes = (canonical.leaf_hashes(one, form) for one in (sealed.take(places), again))
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
        """Erase contexts and inputs of batches decided for an instant before this (retention).

        Returns how many contexts went. Whom the rows are about stays, since it is history.
        """
        with self._changing():
            old = [header.number for header in self.batches() if header.as_of < before]
            return sum(erasure.erase_batch(self._at, number) for number in old)

    def expirable(self, before: datetime) -> int:
        """How many contexts `expire` would erase."""
        old = [header.number for header in self.batches() if header.as_of < before]
        return sum(openings.contexts_in(self._at.opening(number)) for number in old)

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

    def prove(self, decision: str | int, *, with_opening: bool = False) -> InclusionProof:
        """The proof that a decision (id or seq) stands in the newest checkpoint's tree.

        It says whom it is about, unless that was erased, and with the opening also from what.
        Raises DecisionUnknown, or LogDamaged when the rows no longer give the signed root.
        """
        _, seq = self._locate(decision)
        return self._prover().inclusion(seq, context=with_opening)

    def prove_consistency(self, old_batch: int, new_batch: int) -> ConsistencyProof:
        """The proof that the log after one batch is a prefix of the log after a later one."""
        return self._prover().consistency(self._header(old_batch), self._header(new_batch))

    def verify(self, public_key: PublicKey | None = None) -> VerifyReport:
        """Recompute everything. Give a public key you trust: the one beside the log proves less."""
        return verify(self._at, public_key or self.public_key)
