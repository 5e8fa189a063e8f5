"""`assent approve`: what waits for a person, and what that person says."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from activation.moment import CopyError
from activation.store import opened_store, transaction
from activation.store.approvals import Verdict, record_verdict
from orchestration import environment
from orchestration.environment import Home
from orchestration.held import Held, held
from orchestration.warehouse import WarehouseBusyError

_SAID = {None: "waiting", "granted": "granted: the next run acts", "refused": "refused"}
_home_option = click.option(
    "--home", "home_dir", type=click.Path(path_type=Path), help="Where state is kept."
)


@click.group()
def approve() -> None:
    """List the decisions that are held, and grant or refuse them.

    Nodes of risk tier high, and those whose action says `approval: true`, act on nobody until a
    person has agreed.
    """


@approve.command("list")
@click.option("--node", help="Only this node's.")
@click.option("--json", "as_json", is_flag=True, help="Print the rows for machines.")
@_home_option
def list_held(node: str | None, as_json: bool, home_dir: Path | None) -> None:
    """What is held, by node, since when, and what was said about it."""
    waiting = [one for one in _held(environment.home(home_dir)) if node in (None, one.node)]
    if as_json:
        click.echo(json.dumps([vars(one) for one in waiting], default=str, indent=2))
        return
    if not waiting:
        click.echo("Nothing is held.")
        return
    for name in dict.fromkeys(one.node for one in waiting):
        of_node = [one for one in waiting if one.node == name]
        click.echo(f"{name}: {len(of_node)} held")
        for one in of_node:
            via = f"{one.action} by {one.channel}" if one.channel else one.action
            since = f"since {one.since.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
            click.echo(f"  {one.subject_id}  {one.person_id}  {via}  {since}  {_SAID[one.verdict]}")


def _verdict_on(command: Callable[..., Any]) -> Callable[..., Any]:
    """What a verdict is about, and whose it is."""
    for decorate in (
        _home_option,
        click.option("--person", help="The person, when the subject is held for several."),
        click.option("--actor", required=True, help="Who decides; kept with the verdict."),
        click.argument("subject", metavar="SUBJECT"),
        click.argument("node", metavar="NODE"),
    ):
        command = decorate(command)
    return command


@approve.command()
@_verdict_on
def grant(node: str, subject: str, actor: str, person: str | None, home_dir: Path | None) -> None:
    """Agree to a held action; the next run carries it out if everything else still holds."""
    _say("granted", (node, subject, person), actor, environment.home(home_dir))


@approve.command()
@_verdict_on
def refuse(node: str, subject: str, actor: str, person: str | None, home_dir: Path | None) -> None:
    """Decide against a held action; the next run withholds it and says so."""
    _say("refused", (node, subject, person), actor, environment.home(home_dir))


def _say(verdict: Verdict, asked: tuple[str, str, str | None], actor: str, home: Home) -> None:
    one = _find(_held(home), *asked)
    try:
        with opened_store(home.store_url) as store, transaction(store) as writing:
            # The wall clock: when a person said it, whatever instant the runs decide for.
            record_verdict(writing, one.candidate, verdict, actor=actor, at=datetime.now(UTC))
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"{verdict}: {one.node} for {one.subject_id}, by {actor}")


def _held(home: Home) -> list[Held]:
    try:
        return held(home)
    except (CopyError, WarehouseBusyError) as error:
        raise click.ClickException(str(error)) from None


def _find(waiting: list[Held], node: str, subject: str, person: str | None) -> Held:
    found = [
        one
        for one in waiting
        if (one.node, one.subject_id) == (node, subject) and person in (None, one.person_id)
    ]
    if not found:
        raise click.ClickException(
            f"{node} for {subject} is not held. Fix: `assent approve list` names what is."
        )
    if len(found) > 1:
        persons = ", ".join(one.person_id for one in found)
        raise click.ClickException(f"held for several persons. Fix: add --person, one of {persons}")
    return found[0]
