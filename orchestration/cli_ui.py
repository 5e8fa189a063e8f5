"""`assent ui`: Dagster's web interface over this home."""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from types import FrameType

import click

from orchestration import dbt_runner, environment
from orchestration.dagster_home import prepare_dagster_home
from orchestration.rules import active_dbt_project

STOP_SECONDS = 10


@click.command()
@click.option("--home", "home_dir", type=click.Path(path_type=Path), help="Where state is kept.")
@click.option("--port", default=3000, show_default=True, help="Port on localhost.")
def ui(home_dir: Path | None, port: int) -> None:
    """Open Dagster's web interface for this home (stop it with Ctrl-C)."""
    home = environment.home(home_dir)
    prepare_dagster_home(home)
    dbt_runner.prepare_manifest(home, active_dbt_project(home))
    command = [sys.executable, "-m", "dagster", "dev", "-m", "orchestration.definitions"]
    # Its own process group: `dagster dev` leaves children behind when only it is told to stop.
    process = subprocess.Popen(  # noqa: S603 - a fixed command line
        [*command, "--host", "127.0.0.1", "--port", str(port)],
        env={
            **environment.environment(),
            environment.HOME_VARIABLE: str(home.path),
            environment.LANDING_VARIABLE: str(home.landing),
            "DAGSTER_HOME": str(home.dagster),
        },
        start_new_session=True,
    )

    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)
    try:
        process.wait()
    except KeyboardInterrupt:
        end_group(process)


def end_group(process: subprocess.Popen[bytes]) -> None:
    """End a process and all that it started: politely first, for good after STOP_SECONDS."""
    os.killpg(process.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(timeout=STOP_SECONDS)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
