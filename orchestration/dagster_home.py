"""Dagster's own home inside ours: run storage, one writer at a time, nothing sent to anybody."""

import json
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine

from orchestration.environment import Home

CONFIGURATION = """\
telemetry:
  enabled: false
nux:
  enabled: false
concurrency:
  pools:
    # By run, not by op: a killed run keeps its op's slot, and the next one would wait for ever.
    granularity: run
    default_limit: 1
# What code prints is not captured: it could hold personal values, and capturing it starts processes
# that outlive a killed run.
compute_logs:
  module: dagster._core.storage.noop_compute_log_manager
  class: NoOpComputeLogManager
run_monitoring:
  enabled: true
event_log_storage:
  module: orchestration.event_storage
  class: KeptSqliteEventLogStorage
  config:
    base_dir: {events}
"""


def prepare_dagster_home(home: Home) -> None:
    """Write dagster.yaml; Dagster makes the rest on first use."""
    home.dagster.mkdir(parents=True, exist_ok=True)
    # Where Dagster keeps the events of runs by default; quoted as JSON, which YAML reads.
    events = json.dumps(str(home.dagster.resolve() / "history" / "runs"))
    text = CONFIGURATION.format(events=events)
    (home.dagster / "dagster.yaml").write_text(text, encoding="utf-8")


def speed_up_run_storage(home: Home) -> None:
    """Let Dagster's SQLite files skip the disk flush of each commit.

    A run writes about 1,500 events in 3,900 commits; at 4 to 16 ms a flush that is most of its
    time. A killed process still loses nothing; after a power cut Dagster may miss the last events
    of a run, which decide nothing here: the decision log and the store flush on their own.
    """
    storage = home.dagster.resolve()

    def relax(connection: Any, _record: Any) -> None:
        if type(connection).__module__ != "sqlite3":
            return
        files = [row[2] for row in connection.execute("pragma database_list").fetchall()]
        if any(file and storage in Path(file).resolve().parents for file in files):
            connection.execute("pragma synchronous = off")

    event.listen(Engine, "connect", relax)
