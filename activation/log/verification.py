"""Recompute the whole log and say, file by file, what doesn't hold.

`activation/log/verifier.py` does the same without this package, in other ways; a property test
holds the two to the same findings.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from activation.log import canonical, inputs, openings, segments
from activation.log.checkpoints import BatchHeader, digest
from activation.log.durable import numbered
from activation.log.errors import LogDamaged, NoteRefused
from activation.log.layout import Layout
from activation.log.merkle import Frontier
from activation.log.notes import PublicKey, split
from activation.log.rotation import KeyChain
from activation.log.rows import FORMAT
from activation.log.verification_places import check_copies, check_keys, check_transition_copies
from activation.log.walk import Finding, Walk


@dataclass(frozen=True)
class VerifyReport:
    """What was recomputed. `uncommitted` says that a crash left a batch which never happened."""

    batches: int
    rows: int
    openings: int
    root: bytes
    uncommitted: bool
    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Whether everything holds."""
        return not self.findings


def verify(at: Layout, key: PublicKey) -> VerifyReport:
    """Check all files of the log against the key and against each other."""
    walk = Walk(at, key, KeyChain(key))
    # Listed before the checkpoints: what a writer adds meanwhile is not taken for a stray.
    present = [numbered(directory, segments.SUFFIX) for directory in (at.segments, at.openings)]
    copied = numbered(at.copies)[0] if at.copies else {}
    check_keys(walk)
    numbers, strange = numbered(at.checkpoints)
    last = max(numbers, default=0)
    for number in range(1, last + 1):
        header = _check_checkpoint(walk, number)
        _check_batch(walk, number, header)
    uncommitted = _check_strays(walk, last, strange, present)
    _check_repeats(walk)
    check_copies(walk, last, copied)
    check_transition_copies(walk)
    root = walk.header.root if walk.header else Frontier().root()
    findings = tuple(walk.findings)
    return VerifyReport(last, walk.rows, walk.openings, root, uncommitted, findings)


def _check_checkpoint(walk: Walk, number: int) -> BatchHeader | None:
    """The checkpoint's header if it is genuine; the chain goes on from its text in any case."""
    file = f"checkpoints/{number:06d}"
    former, walk.former = walk.keys.link_after(number - 1) or walk.former, None
    if not walk.at.checkpoint(number).exists():
        walk.found("checkpoint_missing", file, "is missing")
        return None
    try:
        note = walk.at.checkpoint_text(number)
        text, _ = split(note)
        header = BatchHeader.parse(text)
    except (LogDamaged, NoteRefused):
        walk.found("checkpoint_malformed", file, "is not a checkpoint in this version's form")
        return None
    walk.former = digest(text)
    try:
        walk.keys.key_for(number).open(note)
    except NoteRefused:
        walk.found("signature", file, "carries no valid signature of the log's key")
        return None
    if header.origin != walk.key.name or header.number != number:
        walk.found("checkpoint_malformed", file, "is of another log or another batch")
        return None
    if former is not None and header.previous != former:
        walk.found("chain", file, "doesn't name the checkpoint before it")
    return header


def _check_batch(walk: Walk, number: int, header: BatchHeader | None) -> None:
    path = walk.at.segment(number)
    file = f"segments/{path.name}"
    former, walk.header = walk.header, header or walk.header
    try:
        rows: pa.Table | None = segments.read(path)
        before, _ = segments.read_frontiers(path)
    except LogDamaged:
        code = "segment_unreadable" if path.exists() else "segment_missing"
        walk.found(code, file, "can't be read in this version's form" if path.exists() else "gone")
        rows, before = None, None
    if walk.frontier is None and former and before and _gives(before, former):
        walk.frontier = before
    if rows is None:
        walk.frontier, walk.next_seq = None, header.size if header else None
        return
    walk.rows += len(rows)
    if "decision_id" in rows.column_names:
        walk.decisions.append((file, rows.select(["seq", "decision_id"])))
    _check_numbers(walk, file, number, rows, header)
    _check_root(walk, file, rows, header)
    walk.next_seq = header.size if header else None
    _check_openings(walk, number, rows)
    _check_inputs(walk, number, header)


def _gives(frontier: Frontier, header: BatchHeader) -> bool:
    return frontier.size == header.size and frontier.root() == header.root


def _check_numbers(
    walk: Walk, file: str, number: int, rows: pa.Table, header: BatchHeader | None
) -> None:
    start = walk.next_seq
    if start is not None and header and (start + len(rows) != header.size or not len(rows)):
        walk.found("size", file, "holds another number of rows than its checkpoint says")
    if not pc.all(pc.equal(rows["batch"], str(number)), skip_nulls=False, min_count=0).as_py():
        walk.found("batch", file, "has rows of another batch")
    if start is not None:
        expected = pa.array(range(start, start + len(rows)), pa.int64()).cast(pa.string())
        wrong = pc.index(pc.fill_null(pc.equal(rows["seq"], expected), False), False).as_py()
        if wrong >= 0:
            walk.found("seq", file, "the row's seq is not the next one", start + wrong)


def _check_root(walk: Walk, file: str, rows: pa.Table, header: BatchHeader | None) -> None:
    if walk.frontier is not None:
        walk.frontier = walk.frontier.extended(canonical.leaf_hashes(rows, segments.form_of(rows)))
        if header and not _gives(walk.frontier, header):
            start = walk.next_seq
            walk.found("root", file, "its rows, from this seq on, are not those signed", start)
            walk.frontier = None


def _check_openings(walk: Walk, number: int, rows: pa.Table) -> None:
    path = walk.at.opening(number)
    if not path.exists():
        return  # all erased, or kept from this reader: openings are not part of what is proven
    file = f"openings/{path.name}"
    try:
        opened = openings.read(path)
    except LogDamaged:
        walk.found("opening_unreadable", file, "can't be read in this version's form")
        return
    walk.openings += len(opened)
    if openings.is_format_1(opened) == (segments.form_of(rows) == FORMAT):
        walk.found("opening_unreadable", file, "isn't of its segment's form")
        return
    if not openings.is_format_1(opened):
        walk.decisions.append((file, opened.select(["seq", "decision_id"])))
    names = ["seq", "commitment"] + (["person_id"] if openings.is_format_1(opened) else [])
    sealed = {seq: claim for seq, *claim in _tuples(rows, names)}
    held = opened.append_column("commitment", openings.commitments(opened))
    seen: set[int] = set()
    for seq, *holder in _tuples(held, names):
        claimed = sealed.get(str(seq))
        if claimed is None:
            walk.found("opening_unknown", file, "opens a row that the segment lacks", seq)
            continue
        if seq in seen:
            walk.found("opening_repeated", file, "a row is opened twice", seq)
        seen.add(seq)
        if claimed[1:] != holder[1:]:
            walk.found("opening_person", file, "names another person than the row", seq)
        if claimed[0] != holder[0]:
            walk.found("opening_commitment", file, "doesn't fit the row's commitment", seq)


def _tuples(table: pa.Table, names: list[str]) -> Iterator[tuple[Any, ...]]:
    return zip(*(table[name].to_pylist() for name in names), strict=True)


def _check_inputs(walk: Walk, number: int, header: BatchHeader | None) -> None:
    """Inputs that are there must be those the checkpoint names; erased ones are nobody's loss."""
    directory = walk.at.recorded(number)
    if header is None or not directory.is_dir():
        return
    place = f"inputs/{directory.name}"
    manifest = directory / inputs.MANIFEST
    text = manifest.read_bytes() if manifest.is_file() else b""
    if inputs.manifest_digest(text) != header.inputs:
        walk.found("inputs", f"{place}/{inputs.MANIFEST}", "isn't what the checkpoint names")
        return
    for name in inputs.changed_files(directory):
        walk.found("inputs", f"{place}/{name}", "isn't what was recorded")


def _check_strays(
    walk: Walk, last: int, strange: list[Path], present: list[tuple[dict[int, Path], list[Path]]]
) -> bool:
    """Files that no batch accounts for. One batch past the last is what a crash leaves."""
    for known, odd in present:
        strange = strange + odd + [path for number, path in known.items() if number > last + 1]
    for path in strange:
        file = f"{path.parent.name}/{path.name}"
        walk.found("unexpected_file", file, "belongs to no batch")
    return any(last + 1 in known for known, _ in present)


def _check_repeats(walk: Walk) -> None:
    if not walk.decisions:
        return
    everything = pa.chunked_array(
        [chunk for _, rows in walk.decisions for chunk in rows["decision_id"].chunks], pa.string()
    )
    if len(everything.unique()) == len(everything):
        return
    seen: set[str | None] = set()
    for file, rows in walk.decisions:
        for seq, decision_id in _tuples(rows, ["seq", "decision_id"]):
            if decision_id in seen:
                known = isinstance(seq, int) or (seq and seq.isascii() and seq.isdecimal())
                place = int(seq) if known else None
                walk.found("decision_repeated", file, "a decision stands in the log twice", place)
            seen.add(decision_id)
