"""Decide about one person at the moment of activation, without dbt or Dagster in the path.

The four steps of the contract: the minimal bundle from the read copy, consent from the live ledger,
the rules and gates of the batch (activation.decisions.reference, which a property holds equal to
the compiled SQL), and the decision log, durable before the answer.
"""

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Engine

from activation.consent.regimes import RuleBook
from activation.decisions.reference import decide_in_python
from activation.decisions.terms import Terms
from activation.log import DecisionLog, LogStream
from activation.log.stream import entry
from activation.moment.history import History
from activation.moment.one_person import PersonWorld, Situation, candidates, situation
from activation.moment.past import Heard
from activation.moment.read_copy import ReadCopy
from activation.moment.reading import written
from activation.moment.recorded import Entry, Key, Recorded
from activation.moment.request import Request, Rules
from activation.store.reader import Reader

Row = Mapping[str, Any]
DEFAULT_COPY_AGE = timedelta(hours=36)


@dataclass(frozen=True)
class _Judged:
    """A request that is decided and not recorded yet: from what, and what it came to."""

    under: Terms
    halted: frozenset[str]
    read: Situation
    heard: Heard
    rows: Sequence[Row]
    keys: Sequence[Key]
    entries: Sequence[Entry]


class DecisionPoint:
    """Decides about persons one at a time, for any number of threads.

    Past acts of other persons (a volume, once per subject) and repeated requests are known as far
    as this decision point made them or a run published them: give each process its own range of
    persons, or accept that two of them may each use up the rest of a volume.
    """

    def __init__(
        self,
        *,
        copies: Path,
        store: Engine,
        log: DecisionLog,
        stream: LogStream,
        rules: Callable[[str], Rules],
        maximum_copy_age: timedelta = DEFAULT_COPY_AGE,
        record_inputs: bool = True,
    ) -> None:
        """`copies` is where `publish_copy` writes; `rules` gives the rules of a person, who may be
        in a canary; `record_inputs` keeps what each request was decided from in the log, for
        replay. Raises CopyError when nothing was published yet."""
        self._copies, self._log, self._stream = copies, log, stream
        self._reader = Reader(store)
        self._rules, self._maximum_copy_age = rules, maximum_copy_age
        self._record_inputs = record_inputs
        self._lock = threading.Lock()
        self._recorded = Recorded()
        self._copy, self._history = self._open_copy()

    @property
    def copy(self) -> ReadCopy:
        """The read copy in use."""
        return self._copy

    def close(self) -> None:
        """Let go of the store."""
        self._reader.close()

    def refresh(self) -> bool:
        """Go over to a newer copy if one has been published; call it from a timer."""
        if self._copy.is_current():
            return False
        with self._lock:
            self._copy, self._history = self._open_copy()
        return True

    def _open_copy(self) -> tuple[ReadCopy, History]:
        copy = ReadCopy(self._copies)
        # What waits before what is sealed: a row sealed in between is seen twice, never missed.
        later = {row["decision_id"]: row for row in self._log.pending().to_pylist()}
        for header in self._log.batches():
            if header.number not in copy.batches:
                for row in self._log.read(header.number).to_pylist():
                    if row["decision_id"] is None:
                        # An erased person's act still counts for a volume, and for nobody's caps.
                        row |= {"decision_id": f"seq {row['seq']}", "person_id": ""}
                    later.setdefault(row["decision_id"], row)
        self._recorded.restore(later.values())
        for row in self._recorded.in_flight():
            later.setdefault(row["decision_id"], row)
        return copy, History(copy, later.values())

    def decide_one(
        self,
        person_id: str,
        *,
        at: datetime,
        nodes: Collection[str] | None = None,
        purpose: str | None = None,
        record: bool = True,
    ) -> list[Row]:
        """The decisions about a person at an instant: one row per candidate (subject, node) with
        the columns of decisions.SCHEMA, by priority; none when no node's `when` holds.

        `nodes` or `purpose` say which nodes to decide, all without them; those decided together
        compete as in a batch. Each row is durable in the log on return and names the watermark of
        the ledger that consent was judged by. The same request for the same `at` gives the same
        rows and logs nothing again, also when it is asked with other nodes; so does the instant of
        the run that published the copy. Without `record` the rows show what would be decided, and
        nothing is logged or counted.

        Raises DecisionError for a node or purpose that the rules do not have, ValueError for an
        `at` without a zone, CopyError, StoreError, and OSError when the log can't be written: then
        nothing may be acted on.
        """
        request = Request(person_id, at, nodes, purpose)
        if not record:
            return self._preview(request)
        [answer] = self.decide_all([request])
        if isinstance(answer, Exception):
            raise answer
        return answer

    def decide_all(self, requests: Sequence[Request]) -> list[list[Row] | Exception]:
        """The answer to each request, as if one after the other, with one write to the disk.

        An answer is what `decide_one` would return or raise; one request's error is nobody else's.
        """
        settled = threading.Event()
        group: list[_Judged] = []
        found = [self._judged_or_error(request, group, settled) for request in requests]
        try:
            self._record(group)
        finally:
            settled.set()
        return [one if isinstance(one, Exception) else _answer(one) for one in found]

    def _preview(self, request: Request) -> list[Row]:
        person_id, rules, under = self._under(request)
        if of_run := self._of_run(person_id, under):
            return of_run
        read = self._read(person_id, under, rules.regimes)
        with self._lock:
            return _decided(under, read.world(self._history)) if read else []

    def _under(self, request: Request) -> tuple[str, Rules, Terms]:
        """Whom a request is about today, under which rules, and what they come to."""
        person_id = self._copy.current_id(request.person_id)
        rules = self._rules(person_id)
        return person_id, rules, request.under(rules)

    def _judged_or_error(
        self, request: Request, group: list[_Judged], settled: threading.Event
    ) -> Sequence[Entry] | Exception:
        try:
            return self._judge(request, group, settled)
        except Exception as error:  # noqa: BLE001 - the answer to one request of several
            return error

    def _judge(
        self, request: Request, group: list[_Judged], settled: threading.Event
    ) -> Sequence[Entry]:
        """Decide a request unless it was, and put it to the group that is to be recorded."""
        person_id, rules, under = self._under(request)
        if of_run := self._of_run(person_id, under):
            return [Entry(of_run, settled)]
        keys: list[Key] = [(person_id, under.as_of, part.node.id) for part in under.nodes]
        with self._lock:
            known = self._recorded.find(keys)
        if len(known) < len(keys):
            read = self._read(person_id, under, rules.regimes)
            # Judging and counting are one step, or two requests would both find room under a cap.
            with self._lock:
                known = self._recorded.find(keys)
                fresh = [key for key in keys if key not in known]
                under = _only(under, fresh)
                heard = Heard(self._history)
                rows = _decided(under, read.world(heard)) if read else []
                entries = self._recorded.reserve(fresh, rows, settled)
                for row in rows:
                    self._history.add(row)
            known |= zip(fresh, entries, strict=True)
            if read and rows:
                halted = frozenset(rules.halted)
                group.append(_Judged(under, halted, read, heard, rows, fresh, entries))
        return [known[key] for key in keys]

    def _record(self, group: Sequence[_Judged]) -> None:
        """Make the group durable. Who can't be recorded alone fails alone."""
        lines: list[bytes] = []
        sound: list[_Judged] = []
        for one in group:
            try:
                lines += entry(one.rows, self._inputs(one))
                sound.append(one)
            except Exception as error:  # noqa: BLE001 - whoever asked hears of it
                self._fail([one], error)
        try:
            self._stream.write(lines)
        except BaseException as error:
            self._fail(sound, error)
            if not isinstance(error, Exception):
                raise

    def _inputs(self, one: _Judged) -> bytes | None:
        if not self._record_inputs:
            return None
        return written(one.under, one.halted, one.read, one.heard, one.rows)

    def _fail(self, group: Sequence[_Judged], error: BaseException) -> None:
        with self._lock:
            for one in group:
                self._recorded.fail(one.keys, one.entries, error)
                for row in one.rows:
                    self._history.remove(row)

    def _of_run(self, person_id: str, under: Terms) -> list[Row]:
        """What the run that published the copy has decided about the person for this instant."""
        if under.as_of != self._copy.as_of:
            return []
        asked = pa.array([part.node.id for part in under.nodes], pa.string())
        found: list[Row] = []
        for header in self._log.batches():
            if header.as_of == under.as_of and header.number in self._copy.batches:
                rows = self._log.read(header.number)
                about = pc.and_(
                    pc.equal(rows["person_id"], person_id), pc.equal(rows["release"], under.release)
                )
                found += rows.filter(pc.and_(about, pc.is_in(rows["node"], asked))).to_pylist()
        return found

    def _read(self, person_id: str, under: Terms, regimes: RuleBook) -> Situation | None:
        copy = self._copy
        bundles = candidates(copy, person_id, under, self._maximum_copy_age)
        if not bundles:
            return None
        return situation(self._reader, copy, regimes, bundles, under, person_id)


def _answer(entries: Sequence[Entry]) -> list[Row] | Exception:
    try:
        return [row for one in entries for row in one.wait()]
    except Exception as error:  # noqa: BLE001 - what recording it raised, here or in another thread
        return error


def _only(under: Terms, keys: Sequence[Key]) -> Terms:
    """The terms of these nodes: one that was decided for the instant is not decided anew."""
    if len(keys) == len(under.nodes):
        return under
    nodes = {node for _, _, node in keys}
    return replace(under, nodes=tuple(part for part in under.nodes if part.node.id in nodes))


def _decided(under: Terms, world: PersonWorld) -> list[Row]:
    place = {part.node.id: number for number, part in enumerate(under.nodes)}
    rows = decide_in_python(under, world)
    return sorted(rows, key=lambda row: (place[row["node"]], row["subject_id"]))
