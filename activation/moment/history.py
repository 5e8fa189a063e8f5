"""The acts of the past as one decision needs them: those of the copy, and those decided since."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from activation.moment.read_copy import ReadCopy

Row = Mapping[str, Any]

_COLUMNS = ("person_id", "node", "subject_id", "as_of", "once_key", "purpose", "channel")


class History:
    """Not for several threads at once: the decision point holds its lock around it."""

    def __init__(self, copy: ReadCopy, later: Iterable[Row]) -> None:
        """`later` are decisions that the copy does not hold, of any outcome."""
        self._copy = copy
        self._later: dict[str, list[Row]] = defaultdict(list)
        self._done: dict[tuple[str, str], int] = defaultdict(int)
        self._by_node: dict[str, list[datetime]] = defaultdict(list)
        for row in later:
            self.add(row)

    def add(self, row: Row) -> None:
        """Take in a decision; only an act leaves a trace."""
        if row["outcome"] != "act":
            return
        self._later[self._copy.current_id(row["person_id"])].append(_act(row))
        if row["once_key"] is not None:
            self._done[row["node"], row["once_key"]] += 1
        self._by_node[row["node"]].append(row["as_of"])

    def remove(self, row: Row) -> None:
        """Take back a decision that could not be recorded."""
        if row["outcome"] != "act":
            return
        self._later[self._copy.current_id(row["person_id"])].remove(_act(row))
        if row["once_key"] is not None:
            self._done[row["node"], row["once_key"]] -= 1
        self._by_node[row["node"]].remove(row["as_of"])

    def of_person(self, person_id: str) -> list[Row]:
        """The acts on a person, with those on whoever merged into them."""
        return [*self._copy.table("act").rows(person_id), *self._later.get(person_id, ())]

    def is_done(self, node: str, once_key: str) -> bool:
        """Whether anybody's act has used up what the node does only once."""
        if self._done.get((node, once_key)):
            return True
        return any(row["node"] == node for row in self._copy.table("done").rows(once_key))

    def acted_since(self, node: str, since: datetime) -> int:
        """How many acts of a node, on anybody, are later than an instant."""
        later = sum(as_of > since for as_of in self._by_node.get(node, ()))
        return later + self._copy.table("volume").count_after(node, "as_of", since)


def _act(row: Row) -> Row:
    kept = {column: row[column] for column in _COLUMNS}
    return kept | {"outcome": "act", "release": row["release"]}
