"""What must hold before a batch is appended: directory, key, and nothing left by a crash."""

from pathlib import Path

from activation.log import canonical, erasure, inputs, segments
from activation.log.checkpoints import BatchHeader
from activation.log.durable import (
    READ_ONLY,
    exclusive,
    make_directory,
    numbered,
    publish_bytes,
    remove,
    sweep,
)
from activation.log.errors import KeyProblem, LogBusy, LogDamaged, NoteRefused
from activation.log.layout import Layout
from activation.log.merkle import Frontier
from activation.log.notes import PublicKey, SigningKey, split
from activation.log.rotation import KeyChain, read_chain


def prepare(at: Layout, key: SigningKey) -> None:
    """Create the directories, leave the public key beside the log, finish what a crash left."""
    for directory in (at.directory, at.segments, at.checkpoints):
        make_directory(directory)
    make_directory(at.openings, 0o700)
    if at.copies:
        make_directory(at.copies)
    try:
        with exclusive(at.lock):
            load_head(at, settle_keys(at, key.public))
    except LogBusy:
        # Its writer has recovered the log itself; reading needs no more than the checkpoints.
        return


def settle_keys(at: Layout, key: PublicKey) -> KeyChain:
    """The chain of keys that ends in this one; the first key is left beside a new log.

    Raises KeyProblem when the key is not the one that signs now.
    """
    if not at.public_key.exists():
        publish_bytes(at.public_key, f"{key.text()}\n".encode(), mode=READ_ONLY)
    chain = read_chain(at, PublicKey.parse(at.public_key.read_text(encoding="utf-8")))
    if key == chain.current:
        return chain
    if key in chain.keys:
        raise KeyProblem(
            f"key {key.key_id.hex()} was retired by a rotation; run `assent log rotate-key` again "
            "to finish it, or restore the file of the newest key"
        )
    raise KeyProblem("public_key: this log was signed with another key; restore that key's file")


def load_head(
    at: Layout, chain: KeyChain, settled: int | None = None
) -> tuple[BatchHeader | None, Frontier]:
    """The last committed batch and its frontier, after clearing away what was never committed.

    `settled` is the batch at which this process left the log in order: while it still ends there,
    no directory is listed, and the cost is off the number of batches. Call with the lock held.
    Raises LogDamaged when what is there can't come from a crash: then nothing is removed, since it
    may be evidence.
    """
    if settled and _ends_at(at, settled):
        last = settled
        erasure.resume(at)
    else:
        last = _settle(at)
    if not last:
        return None, Frontier()
    try:
        header = BatchHeader.parse(chain.key_for(last).open(at.checkpoint_text(last)))
    except NoteRefused as error:
        raise LogDamaged(f"checkpoints/{last:06d}: {error}") from None
    return header, _frontier_after(at, header)


def _ends_at(at: Layout, last: int) -> bool:
    """Whether the log ends at this batch, with nothing begun behind it and its copy in place."""
    begun = (at.checkpoint, at.segment, at.opening, at.recorded)
    if not at.checkpoint(last).exists() or any(place(last + 1).exists() for place in begun):
        return False
    if at.copies is None:
        return True
    copy, next_copy = (at.copies / f"{number:06d}" for number in (last, last + 1))
    if next_copy.exists() or not copy.exists():
        return False
    return _text_of(copy) == split(at.checkpoint_text(last))[0]


def _settle(at: Layout) -> int:
    """Put the whole log in order; the number of its last batch, or 0."""
    numbers = at.committed()
    last = numbers[-1] if numbers else 0
    _refuse_truncation(at, last)
    _discard_uncommitted(at, last)
    inputs.discard_after(at.inputs, last)
    erasure.resume(at)
    replenish_copies(at)
    return last


def _refuse_truncation(at: Layout, last: int) -> None:
    if at.transition_copies:
        lost = set(numbered(at.transition_copies)[0]) - set(numbered(at.transitions)[0])
        if lost:
            raise LogDamaged(
                f"transitions/{min(lost):06d}: gone, yet its copy exists; restore the log's files"
            )
    copied = numbered(at.copies)[0] if at.copies else {}
    if copied and max(copied) > last:
        raise LogDamaged(
            f"checkpoints/{last + 1:06d}: gone, yet its copy exists; restore the log's files"
        )
    for directory in (at.segments, at.openings):
        present = numbered(directory, segments.SUFFIX)[0]
        if present and max(present) > last + 1:
            raise LogDamaged(
                f"{directory.name}/{max(present):06d}{segments.SUFFIX}: has no checkpoint, and a "
                f"crash leaves at most batch {last + 1} so; restore checkpoints from their copies"
            )


def _discard_uncommitted(at: Layout, last: int) -> None:
    for directory in (at.segments, at.checkpoints, at.openings, at.transitions, at.directory):
        sweep(directory)
    for path in (at.segment(last + 1), at.opening(last + 1)):
        if path.exists():
            remove(path)


def replenish_copies(at: Layout) -> None:
    """Copy checkpoints that the second place lacks. Raises LogDamaged when a copy differs."""
    if at.copies is None:
        return
    sweep(at.copies)
    _replenish(at.transitions, at.transition_copies)
    copied = numbered(at.copies)[0]
    newest = max(copied, default=0)
    for number in at.committed():
        if number not in copied:
            copy_checkpoint(at, number)
        elif number == newest and _text_of(copied[number]) != split(at.checkpoint_text(number))[0]:
            raise LogDamaged(f"checkpoints/{number:06d}: differs from its copy; the log forked")


def copy_checkpoint(at: Layout, number: int) -> None:
    """Copy the checkpoint that was just signed; the earlier ones have their copies."""
    if at.copies is not None:
        note = at.checkpoint_text(number)
        publish_bytes(at.copies / f"{number:06d}", note.encode(), mode=READ_ONLY)


def _replenish(source: Path, copies: Path | None) -> None:
    """The same for key transitions, which are few."""
    if copies is None or not source.is_dir():
        return
    make_directory(copies)
    for number, path in numbered(source)[0].items():
        copy = copies / f"{number:06d}"
        if not copy.exists():
            publish_bytes(copy, path.read_bytes(), mode=READ_ONLY)
        elif _text_of(copy) != _text_of(path):
            raise LogDamaged(f"transitions/{number:06d}: differs from its copy; the log forked")


def _text_of(path: Path) -> str:
    return split(path.read_bytes().decode("utf-8", "replace"))[0]


def _frontier_after(at: Layout, header: BatchHeader) -> Frontier:
    """The frontier the last segment records, or the same hashed anew when that one is false."""
    path = at.segment(header.number)
    before, after = segments.read_frontiers(path)
    if not _gives(after, header) and before is not None:
        rows = segments.read(path)
        after = before.extended(canonical.leaf_hashes(rows, segments.form_of(rows)))
    if after is None or not _gives(after, header):
        raise LogDamaged(
            f"segments/{path.name}: doesn't lead to the signed root; run verify, restore the file"
        )
    return after


def _gives(frontier: Frontier | None, header: BatchHeader) -> bool:
    return frontier is not None and frontier.size == header.size and frontier.root() == header.root
