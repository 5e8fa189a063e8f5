"""Runs of the whole path for tests, without paying for the imports each time.

A run spends most of its time on importing dbt, Dagster and Great Expectations and on parsing the
dbt project. `python -m tests.orchestration.path HOME` does that once and then forks a child for
each run it is asked for: a real process with a real home, which can be killed at any moment. The
server itself opens no DuckDB and starts no thread, since neither survives a fork.
"""

import importlib
import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
# What a run imports only when it comes to it.
IMPORTED_LATE = (
    "great_expectations",
    "expectations.duckdb_source",
    "expectations.suite",
    "dbt.task.build",
    "alembic.command",
)


@dataclass(frozen=True)
class Kill:
    """Send SIGKILL `seconds` after the stage of this name began."""

    stage: str
    seconds: float


@dataclass(frozen=True)
class Ended:
    """How a run ended; `stages` are those that began, `seconds` wall time of those that ended."""

    killed: bool
    succeeded: bool = False
    problems: list[str] = field(default_factory=list)
    stages: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    reports: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)


class Runner:
    """The client's side of the server; one run at a time."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._errors = (directory / "errors.txt").open("w")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.orchestration.path", str(directory / "home")],
            cwd=ROOT,
            # One numerical thread: a pool would be there before the fork.
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )

    def run(self, home: Path, landing: Path, as_of: datetime, kill: Kill | None = None) -> Ended:
        """The activation job, as `assent run` runs it."""
        return self._ask("run", home, landing, as_of, kill)

    def removals(self, home: Path, landing: Path, as_of: datetime) -> Ended:
        """The removals job."""
        return self._ask("removals", home, landing, as_of, None)

    def command(self, home: Path, landing: Path, as_of: datetime) -> Ended:
        """`assent run` itself; `problems` is what it prints."""
        return self._ask("command", home, landing, as_of, None)

    def assent(
        self,
        home: Path,
        as_of: datetime,
        *arguments: str,
        environment: Mapping[str, str] | None = None,
    ) -> Ended:
        """Any command over a home that holds its landing zone; `problems` is what it prints: all of
        its output, and each line of what went to standard error."""
        return self._ask("assent", home, home / "landing", as_of, None, arguments, environment)

    def _ask(
        self,
        what: str,
        home: Path,
        landing: Path,
        as_of: datetime,
        kill: Kill | None,
        arguments: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> Ended:
        request = {
            "what": what,
            "home": str(home),
            "landing": str(landing),
            "as_of": as_of.isoformat(),
            "kill": [kill.stage, kill.seconds] if kill else None,
            "arguments": list(arguments),
            "environment": dict(environment or {}),
        }
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"the server of runs died; see {self._errors.name}")
        return Ended(**json.loads(answer))

    def close(self) -> None:
        """Stop the server."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=30)
        self._errors.close()


class _Announcer:
    """Tells the server which stage began."""

    def __init__(self, pipe: int) -> None:
        self._pipe = pipe

    def tell(self, message: Mapping[str, Any]) -> None:
        os.write(self._pipe, json.dumps(message, default=str).encode() + b"\n")

    def started(self, name: str) -> None:
        self.tell({"started": name})

    def detail(self, name: str, text: str) -> None:
        pass

    def report(self, kind: str, key: str, figures: Mapping[str, Any]) -> None:
        pass

    def ended(self, name: str, seconds: float, failed: bool) -> None:
        pass


def _serve(home: Path) -> None:
    """Answer one request per line of standard input until it ends."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a run prints is no answer
    from orchestration import dbt_runner, environment

    environment.export(environment.HOME_VARIABLE, str(home))
    dbt_runner.parse(environment.home(home))
    for name in ("orchestration.definitions", *IMPORTED_LATE):
        importlib.import_module(name)
    for line in sys.stdin:
        answers.write(json.dumps(_fork(json.loads(line))) + "\n")
        answers.flush()


def _fork(request: Mapping[str, Any]) -> dict[str, Any]:
    if threading.active_count() > 1:
        raise RuntimeError(f"threads before a fork: {threading.enumerate()}")
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _carry_out(request, _Announcer(writing))
    os.close(writing)
    return _attend(child, reading, request["kill"])


def _carry_out(request: Mapping[str, Any], announcer: _Announcer) -> None:
    """The child's whole life."""
    from orchestration import environment
    from orchestration.observer import RunRecord, listening

    record, status = RunRecord(), 1
    # The threads of dbt's static parser don't survive a fork: a second project would hang in it.
    os.environ["DBT_STATIC_PARSER"] = "False"
    os.environ.update(request["environment"])
    try:
        home = environment.home(Path(request["home"]), Path(request["landing"]))
        as_of = datetime.fromisoformat(request["as_of"])
        with listening(record, announcer):
            do = _DO[request["what"]]
            succeeded, problems = do(home, as_of, *request["arguments"])
        announcer.tell(
            {
                "succeeded": succeeded,
                "problems": problems,
                "seconds": record.seconds,
                "reports": record.reports,
            }
        )
        status = 0
    except BaseException:
        traceback.print_exc()
        raise
    finally:
        sys.stderr.flush()
        os._exit(status)


def _run(home: Any, as_of: datetime) -> tuple[bool, list[str]]:
    from orchestration.run_job import execute

    outcome = execute(home, as_of)
    return outcome.succeeded, outcome.problems


def _command(home: Any, as_of: datetime) -> tuple[bool, list[str]]:
    from click.testing import CliRunner

    from orchestration.cli import main

    options = ["--home", home.path, "--landing", home.landing, "--as-of", as_of.isoformat()]
    done = CliRunner().invoke(main, ["run", *map(str, options)])
    return done.exit_code == 0, [done.output]


def _assent(home: Any, _: datetime, *arguments: str) -> tuple[bool, list[str]]:
    from click.testing import CliRunner

    from orchestration.cli import main

    done = CliRunner().invoke(main, [*arguments, "--home", str(home.path)])
    return done.exit_code == 0, [done.stdout, *done.stderr.splitlines()]


def _removals(home: Any, as_of: datetime) -> tuple[bool, list[str]]:
    """The job that the sensor of withdrawals starts, over this home's own Dagster storage."""
    import dagster as dg

    from orchestration.dagster_home import prepare_dagster_home
    from orchestration.definitions import defs
    from orchestration.jobs import REMOVALS_JOB_NAME
    from orchestration.run_job import QUIET
    from orchestration.run_settings import RunSettings

    prepare_dagster_home(home)
    settings = RunSettings(home=str(home.path), landing=str(home.landing), as_of=as_of.isoformat())
    job = defs.resolve_job_def(REMOVALS_JOB_NAME)
    with dg.DagsterInstance.from_config(str(home.dagster)) as instance:
        result = job.execute_in_process(
            instance=instance, resources={"settings": settings}, run_config=QUIET
        )
    return result.success, []


_DO: dict[str, Callable[..., tuple[bool, list[str]]]] = {
    "run": _run,
    "command": _command,
    "assent": _assent,
    "removals": _removals,
}


def _attend(child: int, reading: int, kill: tuple[str, float] | None) -> dict[str, Any]:
    """Follow a child until its end, and kill it when it is due."""
    stages: list[str] = []
    result: dict[str, Any] = {}
    due: float | None = None
    buffered = b""
    while True:
        wait = None if due is None else max(0.0, due - time.monotonic())
        if not select.select([reading], [], [], wait)[0]:
            os.kill(child, signal.SIGKILL)
            due = None
            continue
        read = os.read(reading, 65536)
        if not read:
            break
        *lines, buffered = (buffered + read).split(b"\n")
        for message in map(json.loads, lines):
            result = result if "started" in message else message
            stages += [message["started"]] if "started" in message else []
            if kill and due is None and message.get("started") == kill[0]:
                due = time.monotonic() + kill[1]
    os.close(reading)
    _, status = os.waitpid(child, 0)
    killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    if killed:  # it may have said its last word just before
        result = {"seconds": result.get("seconds", {})}
    return {"killed": killed, "stages": stages, **result}


if __name__ == "__main__":
    _serve(Path(sys.argv[1]))
