"""Key transitions: from a batch on another key signs, and the chain of checkpoints says so.

    transitions/000001    a note signed by the old key and the new one

A transition names the checkpoint before it by digest, and the checkpoint after it names the
transition: so it can't be left out later, and whoever trusts one key of the chain can follow it to
the others. The old key signs nothing after its last batch that a verifier would accept.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from activation.log.checkpoints import digest
from activation.log.durable import numbered
from activation.log.errors import KeyProblem, LogDamaged, NoteRefused
from activation.log.layout import Layout
from activation.log.notes import PublicKey, split
from activation.log.rows import instant_text, parse_instant

_TEXT: Final = re.compile(
    r"(?P<origin>[^\n]+)\nkey-transition (?P<number>[1-9]\d{0,8})\n"
    r"after-batch (?P<after>0|[1-9]\d{0,17})\nold-key (?P<old>[^\n]+)\nnew-key (?P<new>[^\n]+)\n"
    r"at (?P<at>[^\n]+)\nprevious (?P<previous>[^\n]+)\n",
    re.ASCII,
)


@dataclass(frozen=True)
class Transition:
    """From the batch behind `after` on, `new` signs instead of `old`. `at` is UTC."""

    number: int
    after: int
    old: PublicKey
    new: PublicKey
    at: datetime
    previous: str

    def text(self) -> str:
        """The note text that both keys sign."""
        return (
            f"{self.old.name}\nkey-transition {self.number}\nafter-batch {self.after}\n"
            f"old-key {self.old.text()}\nnew-key {self.new.text()}\n"
            f"at {instant_text(self.at)}\nprevious {self.previous}\n"
        )

    @property
    def digest(self) -> str:
        """What the next checkpoint's `previous` must say."""
        return digest(self.text())

    @classmethod
    def open(cls, note: str) -> "Transition":
        """Read a note that both of its keys have signed. Raises NoteRefused."""
        match = _TEXT.fullmatch(split(note)[0])
        try:
            if not match:
                raise ValueError("form")
            transition = cls(
                int(match["number"]),
                int(match["after"]),
                PublicKey.parse(match["old"]),
                PublicKey.parse(match["new"]),
                parse_instant(match["at"]),
                match["previous"],
            )
            whole = transition.text() == match[0] and transition.new.name == transition.old.name
        except (ValueError, KeyProblem):
            whole = False
        if not whole:
            raise NoteRefused("not a key transition in this version's form")
        transition.old.open(note)
        transition.new.open(note)
        return transition


@dataclass(frozen=True)
class KeyChain:
    """The first key of a log and its transitions, each checked against the one before."""

    first: PublicKey
    transitions: tuple[Transition, ...] = ()

    @property
    def keys(self) -> tuple[PublicKey, ...]:
        """All keys, the oldest first."""
        return (self.first, *(one.new for one in self.transitions))

    @property
    def current(self) -> PublicKey:
        """The key that signs next."""
        return self.keys[-1]

    def key_for(self, batch: int) -> PublicKey:
        """The one key whose signature counts on a batch's checkpoint."""
        return self.keys[sum(one.after < batch for one in self.transitions)]

    def link_after(self, batch: int) -> str | None:
        """The digest that the next checkpoint must name if keys changed right after this batch."""
        after = [one for one in self.transitions if one.after == batch]
        return after[-1].digest if after else None

    def extended(self, transition: Transition) -> "KeyChain":
        """The chain with one more. Raises NoteRefused when it doesn't follow."""
        last = self.transitions[-1] if self.transitions else None
        follows = (
            transition.old == self.current
            and transition.new not in self.keys
            and transition.number == len(self.transitions) + 1
            and transition.after >= (last.after if last else 0)
            and (not last or last.after < transition.after or transition.previous == last.digest)
        )
        if not follows:
            raise NoteRefused("the transition doesn't follow the one before it")
        return KeyChain(self.first, (*self.transitions, transition))


def read_chain(at: Layout, first: PublicKey) -> KeyChain:
    """The chain as the log's files have it. Raises LogDamaged, naming the file."""
    chain = KeyChain(first)
    known = numbered(at.transitions)[0]
    for number in range(1, max(known, default=0) + 1):
        try:
            note = known[number].read_bytes().decode("utf-8")
            chain = chain.extended(Transition.open(note))
        except (KeyError, OSError, UnicodeDecodeError, NoteRefused):
            raise LogDamaged(
                f"transitions/{number:06d}: missing or false; restore it from its copy"
            ) from None
    return chain
