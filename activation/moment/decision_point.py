"""Decide about one person at the moment of activation, without dbt or Dagster in the path.

The four steps of the contract: the minimal bundle from the read copy, consent from the live ledger,
the rules and gates of the batch (activation.decisions.reference, which a property holds equal to
the compiled SQL), and the decision log, durable before the answer.
"""

import threading
from collections.abc import Callable, Collection, Mapping, Set
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import Engine

from activation.consent.regimes import RuleBook
from activation.decisions.contract import DecisionError
from activation.decisions.reference import decide_in_python
from activation.decisions.terms import Terms, terms
from activation.journeys.loading import JourneySet
from activation.log import DecisionLog, LogStream
from activation.moment.history import History
from activation.moment.one_person import PersonWorld, Situation, candidates, situation
from activation.moment.past import Heard
from activation.moment.read_copy import ReadCopy
from activation.moment.reading import written
from activation.moment.recorded import Key, Recorded
from activation.release.release import Release

Row = Mapping[str, Any]
DEFAULT_COPY_AGE = timedelta(hours=36)


@dataclass(frozen=True)
class Rules:
    """What a person is decided under: a release's journeys and consent rules, and the nodes that
    an operator has stopped."""

    journeys: JourneySet
    release: Release
    regimes: RuleBook
    halted: Set[str] = field(default_factory=frozenset)


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
        self._copies, self._store, self._log, self._stream = copies, store, log, stream
        self._rules, self._maximum_copy_age = rules, maximum_copy_age
        self._record_inputs = record_inputs
        self._lock = threading.Lock()
        self._recorded = Recorded()
        self._copy, self._history = self._open_copy()

    @property
    def copy(self) -> ReadCopy:
        """The read copy in use."""
        return self._copy

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
        rows and logs nothing again; so does the instant of the run that published the copy. Without
        `record` the rows show what would be decided, and nothing is logged or counted.

        Raises DecisionError for a node or purpose that the rules do not have, ValueError for an
        `at` without a zone, CopyError, StoreError, and OSError when the log can't be written: then
        nothing may be acted on.
        """
        person_id = self._copy.current_id(person_id)
        rules = self._rules(person_id)
        asked = _asked(rules.journeys, nodes, purpose)
        under = terms(rules.journeys, rules.release.id, at, rules.halted, asked)
        if under.as_of == self._copy.as_of and (of_run := self._of_run(person_id, under)):
            return of_run
        read = self._read(person_id, under, rules.regimes)
        if not record:
            with self._lock:
                return _decided(under, read.world(self._history)) if read else []
        return self._decide_and_record(person_id, under, read, frozenset(rules.halted))

    def _of_run(self, person_id: str, under: Terms) -> list[Row]:
        """What the run that published the copy has decided about the person for this instant."""
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
        with self._store.connect() as connection:
            return situation(connection, copy, regimes, bundles, under, person_id)

    def _decide_and_record(
        self, person_id: str, under: Terms, read: Situation | None, halted: frozenset[str]
    ) -> list[Row]:
        keys: list[Key] = [(person_id, under.as_of, part.node.id) for part in under.nodes]
        # Judging and counting are one step, or two requests would both find room under a cap.
        with self._lock:
            answered = self._recorded.find(keys)
            if answered is None:
                heard = Heard(self._history)
                rows = _decided(under, read.world(heard)) if read else []
                settled = self._recorded.reserve(keys, rows)
                for row in rows:
                    self._history.add(row)
        if answered is not None:
            return [row for entry in answered for row in entry.wait()]
        try:
            if rows and read:
                keep = self._record_inputs
                request = written(under, halted, read, heard, rows) if keep else None
                self._stream.append(rows, request)
        except BaseException as error:
            with self._lock:
                self._recorded.fail(keys, error)
                for row in rows:
                    self._history.remove(row)
            raise
        finally:
            settled.set()
        return rows


def _decided(under: Terms, world: PersonWorld) -> list[Row]:
    place = {part.node.id: number for number, part in enumerate(under.nodes)}
    rows = decide_in_python(under, world)
    return sorted(rows, key=lambda row: (place[row["node"]], row["subject_id"]))


def _asked(
    journeys: JourneySet, nodes: Collection[str] | None, purpose: str | None
) -> frozenset[str]:
    known = {node.id for node in journeys.nodes}
    if nodes is not None and (unknown := sorted(set(nodes) - known)):
        raise DecisionError(
            f"no node {unknown[0]} in the release. Fix: use one of {', '.join(sorted(known))}."
        )
    asked = frozenset(
        node.id
        for node in journeys.nodes
        if (nodes is None or node.id in nodes) and purpose in (None, node.purpose)
    )
    if not asked:
        raise DecisionError("no node has that purpose. Fix: see `purpose` in the journey files.")
    return asked
