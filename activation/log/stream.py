"""Appending decisions one by one: many callers, one write to the disk for all who wait.

There is no writer's thread: whoever comes while nobody writes leads, and writes for all who came
meanwhile (group commit); so a lone caller hands nothing over, and the rate grows with the number
of callers.
"""

import threading
from collections.abc import Callable
from datetime import timedelta
from types import TracebackType

from activation.log.errors import LogBusy
from activation.log.journal import Journal
from activation.log.single_rows import Rows, encode

Wait = Callable[[threading.Event, float], bool]


def entry(rows: Rows, request: bytes | None = None) -> list[bytes]:
    """Rows and the request that they answer, as `LogStream.write` takes them; nothing without rows.

    Raises RowRefused when a row can't be sealed.
    """
    encoded = encode(rows)
    return [*encoded, request] if encoded and request is not None else encoded


class _Ticket:
    """One caller's rows on their way. `turn` is locked until they are settled (durable, or
    refused), or until this caller is to lead."""

    __slots__ = ("error", "is_settled", "rows", "turn")

    def __init__(self, rows: list[bytes]) -> None:
        self.rows = rows
        self.error: BaseException | None = None
        self.is_settled = False
        self.turn = threading.Lock()
        self.turn.acquire()


class LogStream:
    """A writer of single decisions, for any number of threads. Use it as a context manager.

    `seal` turns what is in the journal into a batch of the log; the stream calls it when
    `rows_at_once` rows wait (None: never for that), when it is closed, and every `seal_every` if
    something waits, so that a quiet hour's decisions are signed too. `wait` is the clock of that:
    it waits for an event for so many seconds and says whether it was set.
    """

    def __init__(
        self,
        journal: Journal,
        seal: Callable[[], object],
        rows_at_once: int | None,
        seal_every: timedelta | None = None,
        wait: Wait = threading.Event.wait,
    ) -> None:
        self._journal = journal
        self._seal = seal
        self._rows_at_once = rows_at_once
        self._entering = threading.Lock()
        self._queue: list[_Ticket] = []
        self._is_led = False
        self._idle = threading.Condition(self._entering)
        self._sealing = threading.Lock()
        self._waiting = 0
        self._closed = False
        self._failure: Exception | None = None
        self._stopping = threading.Event()
        self._timer: threading.Thread | None = None
        if seal_every is not None:
            pause = seal_every.total_seconds()
            self._timer = threading.Thread(
                target=self._seal_in_time, args=(wait, pause), name="decision log", daemon=True
            )
            self._timer.start()

    def append(self, rows: Rows, request: bytes | None = None) -> None:
        """Return when these rows are durable; grain and columns as DecisionLog.append takes them.

        `request` is what they were decided from, a JSON object with `person_id` and `decisions`
        (their ids): it becomes part of the inputs of the batch that seals them.

        Raises RowRefused when a row can't be sealed (other callers' rows are not affected), OSError
        when the disk refuses, and what the timer's sealing raised (LogDamaged, KeyProblem); then
        the caller must not act on the decision.
        """
        self.write(entry(rows, request))

    def write(self, entries: list[bytes]) -> None:
        """As `append`, for what `entry` made of one or several callers' rows: one write for all."""
        if self._failure is not None:
            raise self._failure
        if not entries:
            return
        ticket = _Ticket(entries)
        if self._enter(ticket):
            self._lead()
        else:
            ticket.turn.acquire()
            if not ticket.is_settled:
                self._lead()
        if ticket.error is not None:
            raise ticket.error
        if self._rows_at_once is not None and self._waiting >= self._rows_at_once:
            self.seal_now()

    def _enter(self, ticket: _Ticket) -> bool:
        """Queue; whether this caller is to lead."""
        with self._entering:
            if self._closed:
                raise ValueError("the stream is closed; open another one with DecisionLog.stream")
            self._queue.append(ticket)
            leads, self._is_led = not self._is_led, True
        return leads

    def _lead(self) -> None:
        """Write for all who wait by now, oneself among them, and leave the lead to who came since.

        One group and no more, so that nobody works long for others.
        """
        with self._entering:
            group, self._queue = self._queue, []
        try:
            self._journal.write([row for ticket in group for row in ticket.rows])
            self._waiting += sum(len(ticket.rows) for ticket in group)
        except BaseException as error:  # noqa: BLE001 - each caller must hear of it, none may hang
            for ticket in group:
                ticket.error = error
        with self._entering:
            successor = self._queue[0] if self._queue else None
            if successor is None:
                self._is_led = False
                self._idle.notify_all()
        if successor is not None:
            successor.turn.release()
        for ticket in group:
            ticket.is_settled = True
            ticket.turn.release()

    def seal_now(self) -> None:
        """Seal what waits, unless another thread or process is sealing already."""
        if not self._sealing.acquire(blocking=False):
            return
        waited, self._waiting = self._waiting, 0
        try:
            self._seal()
        except LogBusy:
            # A batch run holds the log: it has taken the journal in, or whoever seals next will.
            self._waiting += waited
        finally:
            self._sealing.release()

    def _seal_in_time(self, wait: Wait, pause: float) -> None:
        """The timer's thread."""
        while not wait(self._stopping, pause):
            try:
                if self._waiting:
                    self.seal_now()
            except Exception as error:  # noqa: BLE001 - nobody hears this thread: the next caller must
                self._failure = error
                return

    def close(self) -> None:
        """Let those who wait be written, seal what waits and let go of the journal."""
        with self._entering:
            self._closed = True
            self._idle.wait_for(lambda: not self._is_led)
        self._journal.close()
        self._stopping.set()
        if self._timer is not None:
            self._timer.join()
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
