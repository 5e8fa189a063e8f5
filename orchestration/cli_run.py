"""`assent run`: the whole path once, with progress while it goes on and a summary at its end."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console

from orchestration import environment
from orchestration.clock import TimeError, current_time, parse_time
from orchestration.demo.command import AS_OF
from orchestration.environment import Home
from orchestration.observer import RunRecord, listening, stage
from orchestration.progress import ConsoleListener

if TYPE_CHECKING:
    from orchestration.run_job import JobOutcome

DEMO_PEOPLE = 5_000
DEMO_SEED = 1


@click.command()
@click.option(
    "--landing",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="The landing zone to read.",
)
@click.option("--as-of", "as_of_text", help="The time to decide at, ISO 8601 with an offset.")
@click.option("--home", "home_dir", type=click.Path(path_type=Path), help="Where state is kept.")
@click.option(
    "--rules",
    type=click.Choice(["active", "disk"]),
    default="active",
    help="disk: build and activate the project's files first, as `assent release` would.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
def run(
    landing: Path | None,
    as_of_text: str | None,
    home_dir: Path | None,
    rules: str,
    as_json: bool,
) -> None:
    """Run the whole path: landing, identity, consent, decisions, syncs.

    With no --landing, the home's landing zone is read; where there is none, a simulated insurer of
    5,000 people is written first. The active release decides, whatever lies on disk.
    """
    home = environment.home(home_dir, landing)
    console = Console(stderr=as_json)
    record, shown = RunRecord(), ConsoleListener(console)
    with listening(record, shown), shown.shown():
        if landing is None and not home.landing.exists():
            _simulate(home)
        as_of = _time(as_of_text, home)
        outcome = _execute(home, as_of, follow_disk=rules == "disk")
    _report(home, as_of, record, outcome.problems, as_json)
    sys.exit(0 if outcome.succeeded else 1)


def _execute(home: Home, as_of: datetime, *, follow_disk: bool) -> JobOutcome:
    from activation.release.errors import ReleaseError
    from expectations.located_yaml import SourceError
    from orchestration.run_job import execute

    try:
        if follow_disk:
            _activate_disk(home, as_of)
        return execute(home, as_of)
    except (ReleaseError, SourceError) as error:
        raise click.ClickException(str(error)) from None


def _activate_disk(home: Home, as_of: datetime) -> None:
    from orchestration.rules import activate_disk

    with stage("release of the rules on disk"):
        activate_disk(
            home,
            actor=environment.actor() or "assent run",
            note="assent run --rules disk",
            at=as_of,
        )


def _simulate(home: Home) -> None:
    from orchestration.demo.at_home import simulate

    with stage("simulated insurer"):
        simulate(home, people=DEMO_PEOPLE, seed=DEMO_SEED, as_of=parse_time(AS_OF))


def _time(text: str | None, home: Home) -> datetime:
    try:
        return parse_time(text) if text else current_time(home)
    except TimeError as error:
        raise click.BadParameter(str(error), param_hint="--as-of") from error


def _report(
    home: Home, as_of: datetime, record: RunRecord, problems: list[str], as_json: bool
) -> None:
    from orchestration.summary import summarise
    from orchestration.summary_text import print_summary

    summary = summarise(home, as_of, record.seconds, problems, record.reports)
    if as_json:
        click.echo(json.dumps(summary.as_dict(), indent=2, ensure_ascii=False, default=str))
    else:
        print_summary(summary, Console())
