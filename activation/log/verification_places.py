"""What a verification holds the checkpoints against: the chain of keys, and the copies."""

from pathlib import Path

from activation.log.checkpoints import NO_FORMER, digest
from activation.log.durable import numbered
from activation.log.errors import KeyProblem, NoteRefused
from activation.log.notes import PublicKey, split
from activation.log.rotation import KeyChain, Transition
from activation.log.walk import Walk


def check_keys(walk: Walk) -> None:
    """Follow the transitions from the log's first key; the key given must be one of them."""
    try:
        beside = PublicKey.parse(walk.at.public_key.read_text(encoding="utf-8"))
    except (FileNotFoundError, UnicodeDecodeError, KeyProblem):
        beside = None
    broken = _follow(walk, beside or walk.key)
    if beside is None or walk.key not in walk.keys.keys:
        walk.found("public_key", "public_key", "is not the key this log is verified with")
        broken = _follow(walk, walk.key)
    if broken:
        walk.found("transition", f"transitions/{broken:06d}", "is missing or doesn't follow")


def _follow(walk: Walk, first: PublicKey) -> int | None:
    """Set the walk's keys; returns the number of the first transition that doesn't hold."""
    walk.keys = KeyChain(first)
    known = numbered(walk.at.transitions)[0]
    for number in range(1, max(known, default=0) + 1):
        try:
            note = known[number].read_bytes().decode("utf-8")
            walk.keys = walk.keys.extended(Transition.open(note))
        except (KeyError, OSError, UnicodeDecodeError, NoteRefused):
            return number
    return None


def check_copies(walk: Walk, last: int, copied: dict[int, Path]) -> None:
    """The second place's checkpoints: what it has and the log lacks was rolled back."""
    for number, path in sorted(copied.items()):
        file = f"checkpoints/{number:06d}"
        if number > last:
            walk.found("truncated", file, "is gone, yet its copy exists")
            continue
        try:
            same = _text(path) == _text(walk.at.checkpoint(number))
        except (OSError, UnicodeDecodeError, NoteRefused):
            same = False
        if not same:
            walk.found("fork", file, "says something else than its copy")


def check_transition_copies(walk: Walk) -> None:
    """The second place's transitions, and what each says it follows."""
    for one in walk.keys.transitions:
        file = f"transitions/{one.number:06d}"
        before = walk.keys.transitions[one.number - 2] if one.number > 1 else None
        if before is None or before.after < one.after:
            path = walk.at.checkpoint(one.after)
            if one.previous != (_digest_of(path) if one.after else NO_FORMER):
                walk.found("transition", file, "doesn't name the checkpoint before it")
    copies = walk.at.transition_copies
    for number, path in sorted(numbered(copies)[0].items()) if copies else ():
        file = f"transitions/{number:06d}"
        try:
            same = _text(path) == _text(walk.at.transitions / path.name)
        except (OSError, UnicodeDecodeError, NoteRefused):
            same = False
        if not same:
            walk.found("fork", file, "says something else than its copy")


def _digest_of(path: Path) -> str | None:
    try:
        return digest(_text(path))
    except (OSError, UnicodeDecodeError, NoteRefused):
        return None


def _text(path: Path) -> str:
    return split(path.read_bytes().decode("utf-8"))[0]
