"""Earlier decisions as judging asks for them, remembered so that they can be told again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

Row = Mapping[str, Any]


class Past(Protocol):
    """What judging asks of earlier decisions: History, or what it answered then."""

    def of_person(self, person_id: str) -> list[Row]: ...

    def is_done(self, node: str, once_key: str) -> bool: ...

    def acted_since(self, node: str, since: datetime) -> int: ...


class Heard:
    """A past that remembers its answers."""

    def __init__(self, past: Past) -> None:
        self._past = past
        self.acts: list[Row] = []
        self.done: list[tuple[str, str]] = []
        self.acted: dict[str, int] = {}

    def of_person(self, person_id: str) -> list[Row]:
        self.acts = self._past.of_person(person_id)
        return self.acts

    def is_done(self, node: str, once_key: str) -> bool:
        is_done = self._past.is_done(node, once_key)
        if is_done:
            self.done.append((node, once_key))
        return is_done

    def acted_since(self, node: str, since: datetime) -> int:
        # A node asks about one instant, the start of its volume's period.
        self.acted[node] = self._past.acted_since(node, since)
        return self.acted[node]


@dataclass(frozen=True)
class Told:
    """The answers that a past gave, given again."""

    acts: Sequence[Row]
    done: frozenset[tuple[str, str]]
    acted: Mapping[str, int]

    def of_person(self, person_id: str) -> list[Row]:
        del person_id
        return list(self.acts)

    def is_done(self, node: str, once_key: str) -> bool:
        return (node, once_key) in self.done

    def acted_since(self, node: str, since: datetime) -> int:
        del since
        return self.acted[node]
