"""Who watches a run: stages begin, report and end, and the CLI or nobody listens.

The listener is a context variable, because Dagster owns the call stack between the command and an
asset's body; in-process execution keeps both in one thread.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Protocol


class Listener(Protocol):
    """What a watcher of a run is told. `name` is the stage's title for people."""

    def started(self, name: str) -> None: ...

    def detail(self, name: str, text: str) -> None: ...

    def report(self, kind: str, key: str, figures: Mapping[str, Any]) -> None: ...

    def ended(self, name: str, seconds: float, failed: bool) -> None: ...


@dataclass
class RunRecord:
    """Wall seconds per stage, in the order in which they ended; reports by kind and key."""

    seconds: dict[str, float] = field(default_factory=dict)
    reports: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)

    def started(self, name: str) -> None:
        pass

    def detail(self, name: str, text: str) -> None:
        pass

    def report(self, kind: str, key: str, figures: Mapping[str, Any]) -> None:
        self.reports.setdefault(kind, {})[key] = dict(figures)

    def ended(self, name: str, seconds: float, failed: bool) -> None:
        self.seconds[name] = self.seconds.get(name, 0.0) + seconds


_listeners: ContextVar[tuple[Listener, ...]] = ContextVar("listeners", default=())


@contextmanager
def listening(*listeners: Listener) -> Iterator[None]:
    """Tell `listeners` of every stage that runs inside the block."""
    token = _listeners.set(listeners)
    try:
        yield
    finally:
        _listeners.reset(token)


@dataclass(frozen=True)
class Stage:
    """A stage under way."""

    name: str

    def detail(self, text: str) -> None:
        """Say in a few words what is being done now."""
        for listener in _listeners.get():
            listener.detail(self.name, text)

    def report(self, kind: str, key: str, figures: Mapping[str, Any]) -> None:
        """Hand figures of this stage to whoever sums the run up: ("sync", its name, ...)."""
        for listener in _listeners.get():
            listener.report(kind, key, figures)


@contextmanager
def stage(name: str) -> Iterator[Stage]:
    """Announce a stage, time it, and say whether it failed."""
    for listener in _listeners.get():
        listener.started(name)
    begun = time.perf_counter()
    failed = True
    try:
        yield Stage(name)
        failed = False
    finally:
        seconds = time.perf_counter() - begun
        for listener in _listeners.get():
            listener.ended(name, seconds, failed)
