"""Any history of decisions, withdrawals, faults and crashes, held against a small model."""

import shutil
import tempfile
from datetime import timedelta
from functools import cache
from pathlib import Path

import pyarrow as pa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from activation.connectors.protocol import Operation
from activation.store import open_store
from activation.syncs import Guards, RetryPolicy, SyncReport
from tests.activation.syncs.destination import Killed, MemoryDestination
from tests.activation.syncs.world import (
    ACTIONS,
    AS_OF,
    AUDIENCES,
    actions,
    identifiers,
    members,
    record,
    sync,
)

PERSONS = st.integers(0, 2)
# Crashes first, because what comes first is drawn most; an empty script is another rule's business.
FAULTS = st.lists(
    st.sampled_from(["killed", "lost", "never", "503", "bad", "ok"]), min_size=1, max_size=4
)
EVERYONE = {0: "Ada", 1: "Ada", 2: "Ada"}
TWICE = RetryPolicy(attempts=2, sleep=lambda _: None, jitter=lambda: 0.0, give_up_after=50)
OPEN = Guards(max_delete_share=1.0)
KNOWN = identifiers(range(3))


@cache
def empty_store() -> bytes:
    """The file of a store that was just migrated; migrating takes longer than a history."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "store.sqlite"
        open_store(f"sqlite:///{file}").dispose()
        return file.read_bytes()


class Histories(RuleBasedStateMachine):
    """The common part: a store, a ledger of three persons, and what the warehouse last saw."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        file = self.folder / "store.sqlite"
        file.write_bytes(empty_store())
        self.engine = open_store(f"sqlite:///{file}")
        self.destination = MemoryDestination()
        self.withdrawn: set[int] = set()
        self.restricted_since: set[int] = set()
        self.watermark = 0
        self.runs = 0
        self.wanted = dict(EVERYONE)
        self.desired = self.rows(self.wanted)

    def teardown(self) -> None:
        self.engine.dispose()
        shutil.rmtree(self.folder)

    def rows(self, wanted: dict[int, str]) -> pa.Table:
        raise AssertionError("each history says what its rows are")

    def run(self, script: list[str], desired: pa.Table | None) -> SyncReport | None:
        self.runs += 1
        self.destination.script = list(script)
        seen = len(self.destination.arrivals)
        try:
            return sync(
                self.engine,
                self.destination,
                desired,
                self.spec,
                identifiers=KNOWN,
                watermark=self.watermark,
                as_of=AS_OF + timedelta(hours=self.runs),
                run_id=f"run_{self.runs}",
                retry=TWICE,
                guards=OPEN,
            )
        except Killed:
            return None
        finally:
            self.destination.script = []
            forbidden = {f"p_{p:04}" for p in self.restricted_since}
            for operation, row in self.destination.arrivals[seen:]:
                assert operation is Operation.REMOVE or row["person_id"] not in forbidden

    @rule(wanted=st.dictionaries(PERSONS, st.sampled_from(["Ada", "Eve"])))
    def compute(self, wanted: dict[int, str]) -> None:
        """The warehouse evaluates all it can see."""
        self.wanted = {p: name for p, name in wanted.items() if p not in self.withdrawn}
        self.desired = self.rows(self.wanted)
        self.watermark = self.ledger_size
        self.restricted_since = set()

    ledger_size = 0

    @rule(person=PERSONS)
    def withdraw(self, person: int) -> None:
        self.ledger_size = record(self.engine, person)
        self.withdrawn.add(person)
        self.restricted_since.add(person)

    @rule(person=PERSONS)
    def grant(self, person: int) -> None:
        self.ledger_size = record(
            self.engine,
            person,
            "granted",
            purpose=self.spec.purpose[0],
            channel="email",
        )
        self.withdrawn.discard(person)

    @rule(script=FAULTS)
    def run_with_faults(self, script: list[str]) -> None:
        self.run(script, self.desired)

    spec = ACTIONS


class ActionHistories(Histories):
    """Each action is taken once, by whoever has not withdrawn, and by nobody else."""

    spec = ACTIONS

    def rows(self, wanted: dict[int, str]) -> pa.Table:
        table = actions(sorted(wanted))
        names = pa.array([wanted[p] for p in sorted(wanted)], pa.string())
        return table.set_column(table.column_names.index("given_name"), "given_name", names)

    @invariant()
    def no_decision_is_taken_twice(self) -> None:
        decisions = [row["decision_id"] for row in self.destination.taken.values()]
        assert len(decisions) == len(set(decisions))

    @rule()
    def run_without_faults(self) -> None:
        self.run([], self.desired)
        parked = self.run([], self.desired)
        assert parked is not None
        assert parked.calls == 0
        taken = {str(row["person_id"]) for row in self.destination.taken.values()}
        due = {f"p_{p:04}" for p in self.wanted if p not in self.restricted_since}
        assert len(due - taken) <= parked.parked


class AudienceHistories(Histories):
    """After a run without faults the destination holds the desired set, less who withdrew."""

    spec = AUDIENCES

    def rows(self, wanted: dict[int, str]) -> pa.Table:
        table = members(sorted(wanted))
        names = pa.array([wanted[p] for p in sorted(wanted)], pa.string())
        return table.set_column(table.column_names.index("given_name"), "given_name", names)

    @rule()
    def run_without_faults(self) -> None:
        report = self.run([], self.desired)
        assert report is not None
        due = {f"p_{p:04}": name for p, name in self.wanted.items()}
        for person in self.restricted_since:
            due.pop(f"p_{person:04}", None)
        held = {
            str(row["person_id"]): row["given_name"] for row in self.destination.members.values()
        }
        assert held.keys() <= due.keys()
        different = {p for p in due if held.get(p) != due[p]}
        assert len(different) <= report.parked
        again = self.run([], self.desired)
        assert again is not None
        assert again.calls == 0

    @precondition(lambda self: self.restricted_since)
    @rule()
    def remove_only(self) -> None:
        self.run([], None)
        held = {str(row["person_id"]) for row in self.destination.members.values()}
        assert not held & {f"p_{p:04}" for p in self.restricted_since}


BUDGET = settings(
    max_examples=40,
    stateful_step_count=12,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
TestActionHistories = ActionHistories.TestCase
TestActionHistories.settings = BUDGET
TestAudienceHistories = AudienceHistories.TestCase
TestAudienceHistories.settings = BUDGET
