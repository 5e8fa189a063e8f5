"""Turning checked rows into a batch: numbered, committed to, hashed, signed, written.

A batch is written inputs and openings first, then segment, then checkpoint. Whatever has no
checkpoint never happened, and the next writer removes it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from activation.log import (
    canonical,
    inputs,
    journal,
    openings,
    references,
    requests,
    segments,
    subtrees,
)
from activation.log.appending import copy_checkpoint, load_head, replenish_copies, settle_keys
from activation.log.checkpoints import NO_FORMER, BatchHeader
from activation.log.durable import READ_ONLY, make_directory, publish_bytes
from activation.log.errors import KeyProblem
from activation.log.inputs import Inputs
from activation.log.layout import Layout
from activation.log.notes import Entropy, SigningKey
from activation.log.rotation import Transition
from activation.log.rows import COLUMNS_OF, FORMAT, instant_text, parse_instant, to_typed


@dataclass(frozen=True)
class Batch:
    """What one append sealed; `rows` has rows.READ_SCHEMA: decisions, batch, seq, commitment."""

    number: int
    first_seq: int
    root: bytes
    checkpoint: str
    rows: pa.Table


@dataclass(frozen=True)
class Run:
    """What a checkpoint says of its batch: the newest instant decided for, releases, wall clock."""

    as_of: datetime
    release: str
    sealed_at: datetime


def run_of(text: pa.Table, sealed_at: datetime) -> Run:
    """The run of rows that were decided one by one: newest instant, all releases."""
    releases = sorted(set(text["release"].to_pylist()))
    return Run(parse_instant(pc.max(text["as_of"]).as_py()), ",".join(releases), sealed_at)


def known(at: Layout, headers: Iterable[BatchHeader], text: pa.Table) -> tuple[int, pa.Array]:
    """Which of these rows the log has (a mask), and the last batch that has one, or 0.

    as_of is part of what a decision_id digests, so only batches that overlap in it can hold the
    same id: reading those alone keeps the cost off the log's size.
    """
    extremes = pc.min_max(text["as_of"]).as_py()
    earliest = parse_instant(extremes["min"])
    mask, found = pa.repeat(False, len(text)), 0
    for header in headers:
        if header.as_of < earliest:
            continue
        path = at.segment(header.number)
        if (segments.first_as_of(path) or instant_text(header.as_of)) > extremes["max"]:
            continue
        ids = references.decision_ids(at, header.number)["decision_id"]
        here = pc.is_in(text["decision_id"].combine_chunks(), ids.combine_chunks())
        if pc.any(here).as_py():
            mask, found = pc.or_(mask, here), header.number
    return found, mask


class Writer:
    """The one who holds the log's lock: knows its head, and moves it batch by batch."""

    def __init__(
        self, at: Layout, key: SigningKey, entropy: Entropy, settled: int | None = None
    ) -> None:
        """Find the head, clearing away what was never committed; `settled` as load_head says.

        Raises LogDamaged, KeyProblem.
        """
        self._at, self._key, self._entropy = at, key, entropy
        self._chain = settle_keys(at, key.public)
        self._head, self._frontier = load_head(at, self._chain, settled)
        self.drained: Batch | None = None

    @property
    def last(self) -> int:
        """Number of the last committed batch, or 0."""
        return self._head.number if self._head else 0

    @property
    def size(self) -> int:
        """Number of rows committed."""
        return self._frontier.size

    def drain(self, headers: Callable[[int], Iterable[BatchHeader]], sealed_at: datetime) -> None:
        """Seal what waits in the journal as a batch of its own, `drained`.

        `headers` gives those of all batches up to a number.
        """
        closed = journal.close_all(self._at.journal)
        text, answered = journal.read_all(closed)
        text = _first_of_each(text)
        if len(text):
            # A writer killed between sealing and forgetting leaves rows that the log has already.
            _, mask = known(self._at, headers(self.last), text)
            text = text.filter(pc.invert(mask))
        if len(text):
            recorded = requests.inputs_of(answered, text["decision_id"])
            self.drained = self.seal(text, run_of(text, sealed_at), recorded)
        journal.forget(closed)

    def _link(self) -> str:
        """The digest that the next checkpoint or transition names."""
        digest = self._head.digest if self._head else NO_FORMER
        return self._chain.link_after(self.last) or digest

    def rotate(self, new: SigningKey, at: datetime) -> Transition:
        """Let another key sign from the next batch on. Raises KeyProblem."""
        if new.public in self._chain.keys or new.public.name != self._key.public.name:
            raise KeyProblem("the new key has signed here before, or is of another origin")
        number = len(self._chain.transitions) + 1
        transition = Transition(number, self.last, self._key.public, new.public, at, self._link())
        note = new.cosign(self._key.sign(transition.text()))
        make_directory(self._at.transitions)
        publish_bytes(self._at.transitions / f"{number:06d}", note.encode(), mode=READ_ONLY)
        replenish_copies(self._at)
        self._key, self._chain = new, self._chain.extended(transition)
        return transition

    def seal(self, text: pa.Table, run: Run, recorded: Inputs | None = None) -> Batch:
        """Write one batch of rows that are checked."""
        number, frontier = self.last + 1, self._frontier
        keys = openings.keys(self._entropy(canonical.KEY_BYTES * len(text)), len(text))
        seqs = pa.array(range(frontier.size, frontier.size + len(text)), pa.int64())
        sealed, opened = committed(text, number, seqs, keys)
        completed = dict.fromkeys(subtrees.HEIGHTS, b"")
        after = frontier.extended(canonical.leaf_hashes(sealed), completed)
        header = BatchHeader(
            number=number,
            size=after.size,
            root=after.root(),
            as_of=run.as_of,
            release=run.release,
            sealed_at=run.sealed_at,
            previous=self._link(),
            origin=self._key.public.name,
            inputs=inputs.write(self._at.recorded(number), recorded) if recorded else None,
        )
        note = self._key.sign(header.text())
        openings.write(self._at.opening(number), opened)
        segments.write(self._at.segment(number), sealed, frontier, after)
        subtrees.extend(self._at, frontier.size, completed)
        publish_bytes(self._at.checkpoint(number), note.encode(), mode=READ_ONLY)
        copy_checkpoint(self._at, number)
        self._head, self._frontier = header, after
        rows = text.append_column("batch", sealed["batch"]).append_column("seq", sealed["seq"])
        rows = rows.append_column("commitment", sealed["commitment"])
        return Batch(number, frontier.size, header.root, note, to_typed(rows))


def _first_of_each(text: pa.Table) -> pa.Table:
    """One row per decision_id: a caller that repeats an append wrote the same decision twice."""
    ids = text["decision_id"].to_pylist()
    first = {one: at for at, one in reversed(list(enumerate(ids)))}
    return text if len(first) == len(ids) else text.take(pa.array(sorted(first.values())))


def committed(
    text: pa.Table, batch: int, seqs: pa.Array, keys: pa.Array, form: str = FORMAT
) -> tuple[pa.Table, pa.Table]:
    """The rows as the segment has them, and what opens their commitments."""
    opened = openings.table(text, seqs, keys)
    if form != FORMAT:
        opened = opened.select(openings.SCHEMA_1.names)
    log_columns = {
        "batch": pa.repeat(str(batch), len(text)),
        "seq": seqs.cast(pa.string()),
        "commitment": openings.commitments(opened),
    }
    names = list(COLUMNS_OF[form])
    columns = [log_columns[name] if name in log_columns else text[name] for name in names]
    return pa.Table.from_arrays(columns, names), opened
