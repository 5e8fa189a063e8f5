"""Appending decisions one by one: many callers, one write to the disk for all who wait.

One thread writes; whoever comes while it waits for the disk is part of its next group (group
commit), so the rate grows with the number of callers.
"""

import queue
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import Final

import pyarrow as pa

from activation.log import canonical
from activation.log.errors import LogBusy, RowRefused
from activation.log.journal import Journal
from activation.log.rows import GIVEN_SCHEMA, to_text

_MOST: Final = 1_000
Rows = Sequence[Mapping[str, object]]


class _Ticket:
    """One caller's rows on their way; `done` is locked until they are durable or refused."""

    __slots__ = ("done", "error", "rows")

    def __init__(self, rows: Rows) -> None:
        self.rows = rows
        self.error: Exception | None = None
        self.done = threading.Lock()
        self.done.acquire()


class LogStream:
    """A writer of single decisions, for any number of threads. Use it as a context manager.

    `seal` turns what is in the journal into a batch of the log; the stream calls it when
    `rows_at_once` rows wait, and when it is closed. Call `seal_now` from a timer as well, so that
    a quiet hour's decisions are signed too.
    """

    def __init__(self, journal: Journal, seal: Callable[[], object], rows_at_once: int) -> None:
        self._journal = journal
        self._seal = seal
        self._rows_at_once = rows_at_once
        self._queue: queue.SimpleQueue[_Ticket | None] = queue.SimpleQueue()
        self._sealing = threading.Lock()
        self._waiting = 0
        self._closed = False
        self._writer = threading.Thread(target=self._write_groups, name="decision log", daemon=True)
        self._writer.start()

    def append(self, rows: Rows) -> None:
        """Return when these rows are durable; grain and columns as DecisionLog.append takes them.

        Raises RowRefused when a row can't be sealed (other callers' rows are not affected), OSError
        when the disk refuses; then the caller must not act on the decision.
        """
        if self._closed:
            raise ValueError("the stream is closed; open another one with DecisionLog.stream")
        ticket = _Ticket(rows)
        self._queue.put(ticket)
        ticket.done.acquire()
        if ticket.error is not None:
            raise ticket.error
        if self._waiting >= self._rows_at_once:
            self.seal_now()

    def seal_now(self) -> None:
        """Seal what waits, unless another thread or process is sealing already."""
        if not self._sealing.acquire(blocking=False):
            return
        try:
            self._waiting = 0
            self._seal()
        except LogBusy:
            # A batch run holds the log; it has taken, or its successor will take, the journal in.
            return
        finally:
            self._sealing.release()

    def close(self) -> None:
        """Write what is queued, seal what waits and let go of the journal."""
        self._closed = True
        self._queue.put(None)
        self._writer.join()
        self.seal_now()

    def __enter__(self) -> "LogStream":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _write_groups(self) -> None:
        """The writer's thread: while one group is on its way to the disk, the next one queues."""
        going_on = True
        while going_on:
            taken = [self._queue.get()]
            while len(taken) < _MOST and not self._queue.empty():
                taken.append(self._queue.get())
            going_on = None not in taken
            self._write_group([ticket for ticket in taken if ticket])
        self._journal.close()

    def _write_group(self, group: list[_Ticket]) -> None:
        try:
            self._write([row for ticket in group for row in ticket.rows])
        except RowRefused:
            # One caller's bad row must not refuse the others': each by itself.
            for ticket in group:
                self._write_alone(ticket)
        except Exception as error:  # noqa: BLE001 - whatever it is, each caller must hear of it
            for ticket in group:
                ticket.error = error
        for ticket in group:
            ticket.done.release()

    def _write(self, rows: Rows) -> None:
        if rows:
            text = to_text(_table(rows))
            canonical.check_text(text)
            self._journal.write(text)
            self._waiting += len(rows)

    def _write_alone(self, ticket: _Ticket) -> None:
        try:
            self._write(ticket.rows)
        except Exception as error:  # noqa: BLE001 - as above
            ticket.error = error


def _table(rows: Rows) -> pa.Table:
    columns = set(GIVEN_SCHEMA.names)
    for row in rows:
        if wrong := columns ^ set(row):
            fault = "missing" if min(wrong) in columns else "not part of a decision row"
            raise RowRefused(f"column {min(wrong)}: {fault}; give {', '.join(GIVEN_SCHEMA.names)}")
        moment = row["as_of"]
        if isinstance(moment, datetime) and moment.tzinfo is None:
            raise RowRefused("column as_of: has no time zone; give an aware datetime")
    try:
        return pa.Table.from_pylist(rows, GIVEN_SCHEMA)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        raise RowRefused("a value has another type than its column; see DECISION_COLUMNS") from None
