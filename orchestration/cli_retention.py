"""`assent retention run`: removes what is older than its label allows, and says what went."""

import json
import sys
from pathlib import Path

import click

from activation.store import StoreError
from expectations.located_yaml import SourceError
from orchestration import environment
from orchestration.clock import TimeError, current_time, parse_time
from orchestration.dbt_runner import DbtError
from orchestration.privacy.ages import AgeCheck
from orchestration.privacy.derived import RebuildError
from orchestration.privacy.retention import RetentionReport, run_retention
from orchestration.warehouse import WarehouseBusyError


@click.group()
def retention() -> None:
    """Remove what is older than its label allows."""


@retention.command()
@click.option("--as-of", "as_of_text", help="The time to judge at, ISO 8601 with an offset.")
@click.option("--home", "home_dir", type=click.Path(path_type=Path), help="Where state is kept.")
@click.option("--dry-run", is_flag=True, help="Say what would go; change nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print the report for machines.")
def run(as_of_text: str | None, home_dir: Path | None, dry_run: bool, as_json: bool) -> None:
    """Remove over-age rows and cells from landing, quarantine, warehouse, store and log openings.

    The exit code is 1 where something over-age is left.
    """
    home = environment.home(home_dir)
    try:
        as_of = parse_time(as_of_text) if as_of_text else current_time(home)
        report = run_retention(home, as_of, dry_run=dry_run)
    except TimeError as error:
        raise click.BadParameter(str(error), param_hint="--as-of") from None
    except (WarehouseBusyError, RebuildError, DbtError, StoreError, SourceError) as error:
        raise click.ClickException(str(error)) from None
    click.echo(json.dumps(report.as_dict(), indent=2) if as_json else in_words(report))
    sys.exit(1 if report.after and report.after.over_age else 0)


def in_words(report: RetentionReport) -> str:
    """The report as lines for a person."""
    verb = "would go" if report.dry_run else "went"
    lines = [
        f"{one.count:>10,}  {one.relation}"
        + (f".{one.column}: cells" if one.column else ": rows")
        + f" older than {one.days:,} days"
        for one in report.removed
        if one.count
    ]
    lines.append(f"{report.total:,} {verb}, as of {report.as_of:%Y-%m-%d %H:%M} UTC.")
    return "\n".join([*lines, *(_what_is_left(report.after) if report.after else ())])


def _what_is_left(after: AgeCheck) -> list[str]:
    relations = len({name for name, _ in after.looked_at})
    return [
        f"Over-age cells that are left: {sum(after.over_age.values()):,}, in {relations} relations "
        f"with an event time (--json names them and {len(after.without_event_time)} without).",
        *(f"{count:>10,}  {name}" for name, count in after.over_age.items()),
    ]
