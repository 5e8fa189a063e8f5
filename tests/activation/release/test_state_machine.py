"""Random sequences of builds, activations, canaries, halts and rollbacks against a simple model."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import text

from activation.release import (
    ReleaseError,
    activate,
    active_id,
    halts,
    open_bundle,
    require_fit,
    rollback,
)
from activation.release.canary import current, end, widen
from activation.release.pointer import former
from activation.release.registry import stored_releases
from activation.release.slices import slices_of
from activation.store import open_store, transaction
from tests.activation.release.projects import AT, KEY, build, write_project

# The example of the node is ten days ahead: below ten it is decided otherwise than it says.
FIT = (10, 20, 30)
UNFIT = (5, 9)
REFUSED_BY_THE_CHECKER = (40,)
DAYS = st.sampled_from([*FIT, *UNFIT, *REFUSED_BY_THE_CHECKER])
NODES = st.sampled_from(["reminder", "other"])
PERSONS = tuple(f"p_{number}" for number in range(40))


@dataclass
class Model:
    """What must hold: who is active, what there is to go back to, who is in the canary."""

    built: dict[int, str] = field(default_factory=dict)
    stack: list[str] = field(default_factory=list)
    ever: set[str] = field(default_factory=set)
    canary: tuple[str, int] | None = None
    halted: set[str] = field(default_factory=set)

    @property
    def active(self) -> str | None:
        return self.stack[-1] if self.stack else None


def checker(root: Path) -> Sequence[str]:
    """Objects to one of the rules."""
    node = (root / "activation" / "journeys" / "reminder.yml").read_text()
    return ["too far ahead"] if "<= 40" in node else []


class Releases(RuleBasedStateMachine):
    """The store does what the model does, and refuses what the model does not allow."""

    @initialize()
    def open(self) -> None:
        self.directory = TemporaryDirectory()
        root = Path(self.directory.name)
        self.project = root / "project"
        self.store = open_store(f"sqlite:///{root}/assent.sqlite")
        self.model = Model()

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.dispose()
            self.directory.cleanup()

    @rule(days=DAYS)
    def build(self, days: int) -> None:
        bundle = build(self.store, write_project(self.project, days=days))
        self.model.built[days] = bundle.release.id

    @precondition(lambda self: self.model.built)
    @rule(data=st.data())
    def activate(self, data: st.DataObject) -> None:
        days = data.draw(st.sampled_from(sorted(self.model.built)))
        release_id = self.model.built[days]
        may = days in FIT and release_id != self.model.active
        with suppress(ReleaseError):
            activate(
                self.store, release_id, key=KEY.public, check=checker,
                actor="ana", note="why", at=AT,
            )  # fmt: skip
            assert may
            self.model.stack.append(release_id)
            self.model.ever.add(release_id)
            self.model.canary = None
        assert not may or self.model.active == release_id

    @rule(data=st.data(), named=st.booleans())
    def rollback(self, data: st.DataObject, named: bool) -> None:
        to = None
        if named and self.model.built:
            to = data.draw(st.sampled_from(sorted(self.model.built.values())))
        target = to or (self.model.stack[-2] if len(self.model.stack) > 1 else None)
        may = target in self.model.ever and target != self.model.active
        with suppress(ReleaseError), transaction(self.store) as connection:
            went = rollback(
                connection, to=to, is_intact=lambda one: open_bundle(connection, one, KEY.public),
                actor="ana", note="why", at=AT,
            )  # fmt: skip
            assert may
            assert went == target
            if went in self.model.stack:
                while self.model.stack[-1] != went:
                    self.model.stack.pop()
            else:
                self.model.stack.append(went)
            self.model.canary = None
        assert not may or self.model.active == target

    @precondition(lambda self: self.model.built)
    @rule(data=st.data(), buckets=st.integers(0, 10_001))
    def widen(self, data: st.DataObject, buckets: int) -> None:
        days = data.draw(st.sampled_from(sorted(self.model.built)))
        release_id = self.model.built[days]
        running = self.model.canary
        may = (
            days in FIT
            and self.model.active not in (None, release_id)
            and 0 < buckets <= 10_000
            and (running is None or (running[0] == release_id and running[1] < buckets))
        )
        before = {one for one in PERSONS if self._under_the_candidate(one)}
        with suppress(ReleaseError):
            with self.store.connect() as connection:
                require_fit(open_bundle(connection, release_id, KEY.public), checker)
            with transaction(self.store) as connection:
                share = Decimal(buckets) / 100
                widen(connection, release_id, share, actor="ana", note="why", at=AT)
            assert may
            self.model.canary = (release_id, buckets)
            assert before <= {one for one in PERSONS if self._under_the_candidate(one)}
        assert not may or self.model.canary == (release_id, buckets)

    @rule()
    def end(self) -> None:
        may = self.model.canary is not None
        with suppress(ReleaseError), transaction(self.store) as connection:
            end(connection, actor="ana", note="why", at=AT)
            assert may
            self.model.canary = None
        assert self.model.canary is None

    @rule(node=NODES, stop=st.booleans())
    def halt(self, node: str, stop: bool) -> None:
        may = (node in self.model.halted) != stop
        with suppress(ReleaseError), transaction(self.store) as connection:
            change = halts.halt if stop else halts.resume
            change(connection, node, reason="why", actor="ana", at=AT)
            assert may
            (self.model.halted.add if stop else self.model.halted.discard)(node)
        assert (node in self.model.halted) == stop

    @precondition(lambda self: self.model.active)
    @rule()
    def tamper(self) -> None:
        """Somebody with the file in hand changes a rule: it is found, and set back."""
        changed = text("update release_file set content = replace(content, 'days_', 'dayz_')")
        restored = text("update release_file set content = replace(content, 'dayz_', 'days_')")
        with self.store.connect() as connection, connection.begin():
            connection.execute(text("drop trigger release_file_refuse_update"))
            connection.execute(changed)
            refused = False
            try:
                open_bundle(connection, str(self.model.active), KEY.public)
            except ReleaseError:
                refused = True
            assert refused
            connection.execute(restored)
            connection.execute(
                text(
                    "create trigger release_file_refuse_update before update on release_file "
                    "begin select raise(abort, 'refused'); end"
                )
            )

    @invariant()
    def exactly_one_release_is_active_and_it_is_what_was_signed(self) -> None:
        if not hasattr(self, "store"):
            return
        with self.store.connect() as connection:
            active = active_id(connection)
            assert active == self.model.active
            assert former(connection) == self.model.stack[:-1]
            assert halts.halted(connection) == self.model.halted
            if active:
                assert open_bundle(connection, active, KEY.public).release.id == active

    @invariant()
    def an_unapproved_release_never_decides_and_each_person_decides_once(self) -> None:
        if not hasattr(self, "store") or self.model.active is None:
            return
        fit = {self.model.built[days] for days in FIT if days in self.model.built}
        with self.store.connect() as connection:
            running = current(connection)
            parts = slices_of(connection, self.model.active)
            known = {one.id for one in stored_releases(connection)}
        assert (running and (running.release_id, running.buckets)) == self.model.canary
        assert {part.release_id for part in parts} <= fit <= known
        for person in PERSONS:
            assert sum(part.holds(person) for part in parts) == 1

    def _under_the_candidate(self, person: str) -> bool:
        with self.store.connect() as connection:
            running = current(connection)
        return running is not None and running.holds(person)


TestReleases = Releases.TestCase
TestReleases.settings = settings(max_examples=25, stateful_step_count=14, deadline=None)
