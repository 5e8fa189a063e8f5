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


def prepare(at: Layout, key: SigningKey) -> None:
    """Create the directories, leave the public key beside the log, finish what a crash left."""
    for directory in (at.directory, at.segments, at.checkpoints):
        make_directory(directory)
    make_directory(at.openings, 0o700)
    if at.copies:
        make_directory(at.copies)
    try:
        with exclusive(at.lock):
            _settle_public_key(at, key.public)
            load_head(at, key.public)
    except LogBusy:
        # Its writer has recovered the log itself; reading needs no more than the checkpoints.
        return


def _settle_public_key(at: Layout, key: PublicKey) -> None:
    if at.public_key.exists():
        if PublicKey.parse(at.public_key.read_text(encoding="utf-8")) != key:
            raise KeyProblem(
                "public_key: this log was signed with another key; restore that key's file"
            )
        return
    publish_bytes(at.public_key, f"{key.text()}\n".encode(), mode=READ_ONLY)


def load_head(at: Layout, key: PublicKey) -> tuple[BatchHeader | None, Frontier]:
    """The last committed batch and its frontier, after clearing away what was never committed.

    Call with the lock held. Raises LogDamaged when what is there can't come from a crash: then
    nothing is removed, since it may be evidence.
    """
    numbers = at.committed()
    last = numbers[-1] if numbers else 0
    _refuse_truncation(at, last)
    _discard_uncommitted(at, last)
    inputs.discard_after(at.inputs, last)
    erasure.resume(at)
    replenish_copies(at)
    if not last:
        return None, Frontier()
    try:
        header = BatchHeader.parse(key.open(at.checkpoint_text(last)))
    except NoteRefused as error:
        raise LogDamaged(f"checkpoints/{last:06d}: {error}") from None
    return header, _frontier_after(at, header)


def _refuse_truncation(at: Layout, last: int) -> None:
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
    for directory in (at.segments, at.checkpoints, at.openings, at.directory):
        sweep(directory)
    for path in (at.segment(last + 1), at.opening(last + 1)):
        if path.exists():
            remove(path)


def replenish_copies(at: Layout) -> None:
    """Copy checkpoints that the second place lacks. Raises LogDamaged when a copy differs."""
    if at.copies is None:
        return
    sweep(at.copies)
    copied = numbered(at.copies)[0]
    newest = max(copied, default=0)
    for number in at.committed():
        if number not in copied:
            note = at.checkpoint_text(number)
            publish_bytes(at.copies / f"{number:06d}", note.encode(), mode=READ_ONLY)
        elif number == newest and _text_of(copied[number]) != split(at.checkpoint_text(number))[0]:
            raise LogDamaged(f"checkpoints/{number:06d}: differs from its copy; the log forked")


def _text_of(path: Path) -> str:
    return split(path.read_bytes().decode("utf-8", "replace"))[0]


def _frontier_after(at: Layout, header: BatchHeader) -> Frontier:
    """The frontier the last segment records, or the same hashed anew when that one is false."""
    path = at.segment(header.number)
    before, after = segments.read_frontiers(path)
    if not _gives(after, header) and before is not None:
        after = before.extended(canonical.leaf_hashes(segments.read(path)))
    if after is None or not _gives(after, header):
        raise LogDamaged(
            f"segments/{path.name}: doesn't lead to the signed root; run verify, restore the file"
        )
    return after


def _gives(frontier: Frontier | None, header: BatchHeader) -> bool:
    return frontier is not None and frontier.size == header.size and frontier.root() == header.root
