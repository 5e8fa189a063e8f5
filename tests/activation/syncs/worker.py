"""A syncing process to kill: it dies at a chosen step, or whenever the parent wants."""

import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

# pyarrow imports pandas with its first array: a process would spend its short life on that.
import pandas  # noqa: F401
import pyarrow as pa
from sqlalchemy import event

from activation.connectors.files import FilesConnector
from activation.connectors.protocol import Batch, Capabilities, Connector, RowOutcome
from activation.connectors.webhook import Timeouts, WebhookConnector
from activation.store import open_store
from activation.syncs import RetryPolicy, SyncSpec
from tests.activation.connectors.receiver import SECRET
from tests.activation.syncs.world import sync

HURRIED = RetryPolicy(first_wait=0.002, max_wait=0.05, give_up_after=10)


@dataclass(frozen=True)
class Task:
    """What a worker does: one sync, to a receiver's URL or into an outbox directory."""

    store_url: str
    destination: str
    spec: SyncSpec
    desired: pa.Table
    run_id: str
    kill_at: int = 0
    """The step at which the process kills itself; 0 for never."""


def perform(task: Task, ready: Connection | None = None) -> None:
    """Run the task. Steps are: every commit of the store, and every request or file synced."""
    engine = open_store(task.store_url)
    connector = open_connector(task.destination)
    if task.kill_at:
        steps = _Steps(task.kill_at)
        event.listen(engine, "commit", lambda _: steps.pass_one())
        connector = _Stepping(connector, steps)
        _step_at_each_fsync(steps)
    if ready is not None:
        ready.send("ready")
    sync(engine, connector, task.desired, task.spec, run_id=task.run_id, retry=HURRIED)
    connector.close()
    engine.dispose()


def open_connector(destination: str) -> Connector:
    if not destination.startswith("http"):
        return FilesConnector(Path(destination), "demo")
    return WebhookConnector(
        destination,
        SECRET,
        clock=lambda: datetime.now(UTC),
        allow_private_hosts=frozenset({"127.0.0.1"}),
        timeouts=Timeouts(connect=1, answer=1),
    )


class _Steps:
    def __init__(self, kill_at: int) -> None:
        self._left = kill_at

    def pass_one(self) -> None:
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


class _Stepping:
    """A connector whose batches of one row each are steps, before and after."""

    def __init__(self, inner: Connector, steps: _Steps) -> None:
        self._inner = inner
        self._steps = steps

    @property
    def capabilities(self) -> Capabilities:
        return self._inner.capabilities

    @property
    def calls(self) -> int:
        return self._inner.calls

    def deliver(self, batch: Batch) -> Sequence[RowOutcome]:
        self._steps.pass_one()
        if isinstance(self._inner, FilesConnector):
            outcomes = list(self._inner.deliver(batch))
            self._steps.pass_one()
            return outcomes
        outcomes = []
        for row, delivery_id in enumerate(batch.delivery_ids):
            part: dict[str, Any] = {
                "delivery_ids": (delivery_id,),
                "rows": batch.rows[row : row + 1],
            }
            outcomes += self._inner.deliver(Batch(**{**vars(batch), **part}))
            self._steps.pass_one()
        return outcomes

    def confirm(self, object_name: str, batches: Mapping[str, Sequence[str]]) -> Mapping[str, bool]:
        return self._inner.confirm(object_name, batches)

    def close(self) -> None:
        self._inner.close()


def _step_at_each_fsync(steps: _Steps) -> None:
    fsync = os.fsync

    def stepping_fsync(descriptor: int) -> None:
        steps.pass_one()
        fsync(descriptor)

    os.fsync = stepping_fsync  # type: ignore[assignment]
