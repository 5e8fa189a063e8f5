"""Requests that were answered already, so that a repeated one gets the same answer."""

import threading
from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

Row = Mapping[str, Any]
Key = tuple[str, datetime, str]
"""Person, instant and node of a request."""

MOST = 50_000


class Entry:
    """The rows of one request and node on their way to the disk; `settled` is set when they are
    there, or have failed to get there."""

    __slots__ = ("_settled", "error", "rows")

    def __init__(self, rows: Sequence[Row], settled: threading.Event) -> None:
        self.rows = rows
        self.error: BaseException | None = None
        self._settled = settled

    def wait(self) -> Sequence[Row]:
        """The rows once they are durable. Raises what their recording raised."""
        self._settled.wait()
        if self.error is not None:
            raise self.error
        return self.rows

    @property
    def is_settled(self) -> bool:
        return self._settled.is_set()


class Recorded:
    """The newest MOST answers by person, instant and node. Use it with the decision point's lock.

    A repetition that comes later than that many others is decided anew; the log then keeps the
    first of the two, since both have one decision_id.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._entries: OrderedDict[Key, Entry] = OrderedDict()

    def find(self, keys: Sequence[Key]) -> dict[Key, Entry]:
        """The entries of those that were answered."""
        return {key: self._entries[key] for key in keys if key in self._entries}

    def reserve(
        self, keys: Sequence[Key], rows: Iterable[Row], settled: threading.Event
    ) -> list[Entry]:
        """Enter a request that is about to be recorded."""
        by_node: dict[str, list[Row]] = defaultdict(list)
        for row in rows:
            by_node[row["node"]].append(row)
        entries = [Entry(by_node[key[2]], settled) for key in keys]
        self._entries.update(zip(keys, entries, strict=True))
        while len(self._entries) > self._most and next(iter(self._entries.values())).is_settled:
            self._entries.popitem(last=False)
        return entries

    def fail(self, keys: Sequence[Key], entries: Sequence[Entry], error: BaseException) -> None:
        """Forget a request that could not be recorded; whoever waits for it hears why."""
        for key, entry in zip(keys, entries, strict=True):
            entry.error = error
            self._entries.pop(key, None)

    def restore(self, rows: Iterable[Row]) -> None:
        """Enter decisions of the log that a former decision point made."""
        by_key: dict[Key, list[Row]] = defaultdict(list)
        for row in rows:
            by_key[row["person_id"], row["as_of"], row["node"]].append(row)
        done = threading.Event()
        done.set()
        for key in sorted(by_key, key=lambda key: key[1])[-self._most :]:
            self._entries.setdefault(key, Entry(by_key[key], done))

    def in_flight(self) -> Iterator[Row]:
        """Rows that are decided and not durable yet."""
        for entry in self._entries.values():
            if not entry.is_settled:
                yield from entry.rows
