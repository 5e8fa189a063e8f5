"""`assent release diff`: what another release would decide, before it decides."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from activation.log.errors import LogError
from activation.release.diff_page import render_page
from activation.release.diff_report import ReleaseDiff
from activation.release.errors import ReleaseError
from activation.release.registry import resolve
from orchestration.cli_release import home_option, opened
from orchestration.warehouse import WarehouseBusyError


@click.command()
@click.argument("before", metavar="BEFORE")
@click.argument("after", metavar="AFTER")
@home_option
@click.option(
    "--day",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M"]),
    help="Decide about what the last run of that day (UTC), or by that time, recorded.",
)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="HTML page to write.")
@click.option("--json", "as_json", is_flag=True, help="Print the comparison for machines.")
def diff(
    before: str,
    after: str,
    home_dir: Path | None,
    day: datetime | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """Decide about the same inputs under two releases and show who gains, loses or changes.

    The inputs are those in the warehouse, or with --day those that a past run recorded. Nothing is
    logged or sent. Persons are pseudonyms.
    """
    from orchestration.release_diff import diff as compare
    from orchestration.release_diff import diff_of_day

    with opened(home_dir) as (home, engine, _):
        with engine.connect() as store:
            ids = resolve(store, before), resolve(store, after)
        try:
            if day is None:
                found = compare(home, *ids)
            else:
                since, until = _span(day.replace(tzinfo=UTC))
                found = diff_of_day(home, *ids, since=since, until=until)
        except (FileNotFoundError, WarehouseBusyError, LogError) as error:
            raise ReleaseError(str(error)) from None
    if out:
        out.write_text(render_page(found), encoding="utf-8")
    if as_json:
        click.echo(json.dumps(found.as_dict(), indent=2, ensure_ascii=False))
    else:
        _print(found, Console())
    if out and not as_json:
        click.echo(f"page: {out}")


def _span(day: datetime) -> tuple[datetime, datetime]:
    """From the day's beginning to the time that was given, or to the day's end."""
    begin = day.replace(hour=0, minute=0)
    return begin, day if day > begin else begin + timedelta(days=1, microseconds=-1)


def _print(found: ReleaseDiff, console: Console) -> None:
    console.print(
        f"{found.before} -> {found.after}, inputs as of {found.as_of:%Y-%m-%d %H:%M} UTC: "
        f"{found.sentence()}",
        highlight=False,
    )
    if found.rules:
        rules = Table("rule", "before", "after", box=None, padding=(0, 1))
        for change in found.rules:
            place = f"{change.place}: {change.field}"
            rules.add_row(place, change.before or "-", change.after or "-")
        console.print(rules, highlight=False)
    if found.decisions.groups:
        groups = Table("node", "change", "before", "after", "n", "some", box=None, padding=(0, 1))
        for group in found.decisions.groups:
            groups.add_row(
                group.node,
                group.change,
                str(group.before or "not a candidate"),
                str(group.after or "not a candidate"),
                f"{group.decisions:,}",
                ", ".join(group.sample[:2]),
            )
        console.print(groups, highlight=False)
    for note in found.notes:
        console.print(f"[dim]{note}[/dim]", highlight=False)
