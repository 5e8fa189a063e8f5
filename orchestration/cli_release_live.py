"""`assent release canary | halt | resume`: what changes while runs go on."""

from decimal import Decimal, InvalidOperation
from pathlib import Path

import click
from sqlalchemy import Engine

from activation.release import (
    Canary,
    ReleaseError,
    active_id,
    halts,
    open_bundle,
    require_fit,
    require_second_person,
    same_warehouse,
)
from activation.release.canary import end, widen
from activation.release.registry import resolve, stored_releases
from activation.store import transaction
from orchestration.cli_release import actor_option, home_option, note_option, opened
from orchestration.environment import Home
from orchestration.policy_check import policy_findings
from orchestration.release_keys import public_key


class Share(click.ParamType):
    """A share in percent, with or without the sign."""

    name = "percent"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> Decimal:
        try:
            return Decimal(str(value).strip().removesuffix("%"))
        except InvalidOperation:
            self.fail("write a share in percent, such as 5%", param, ctx)


@click.command()
@click.argument("name", metavar="RELEASE", required=False)
@click.option("--share", type=Share(), help="Percent of the persons, such as 5%.")
@click.option("--end", "ends", is_flag=True, help="End the canary that runs.")
@home_option
@actor_option
@note_option
def canary(
    name: str | None,
    share: Decimal | None,
    ends: bool,
    home_dir: Path | None,
    actor: str,
    note: str,
) -> None:
    """Let a share of the persons decide under RELEASE, the others under the active one.

    A larger share widens it; nobody is moved back before it ends. Activating the release, any other
    or rolling back ends it too.
    """
    with opened(home_dir) as (home, engine, at):
        if ends:
            with transaction(engine) as store:
                was = end(store, actor=actor, note=note, at=at)
            click.echo(f"the canary of {was.release_id} at {was.percent} % has ended")
            return
        if not name or share is None:
            raise click.UsageError("give RELEASE and --share, or --end")
        with engine.connect() as store:
            release_id = resolve(store, name)
        _require_may_decide(home, engine, release_id, actor)
        with transaction(engine) as store:
            running: Canary = widen(store, release_id, share, actor=actor, note=note, at=at)
    click.echo(f"{running.percent} % of the persons decide under {running.release_id} from now on")


def _require_may_decide(home: Home, engine: Engine, release_id: str, actor: str) -> None:
    """What activation asks, and that both releases build the same tables."""
    with engine.connect() as store:
        bundle = open_bundle(store, release_id, public_key(home))
        base = {one.id: one for one in stored_releases(store)}.get(active_id(store) or "")
    if base is not None and not same_warehouse(bundle.release, base):
        raise ReleaseError(
            f"release {release_id} builds other tables than the active one (consent rules or SQL "
            "differ), and there is one warehouse for both. Fix: look at `assent release diff`, "
            "then activate it for everybody."
        )
    with engine.connect() as store:
        require_second_person(store, bundle.release, actor)
    require_fit(bundle, policy_findings)


@click.command()
@click.argument("node")
@home_option
@actor_option
@click.option("--reason", required=True, help="Why: it stands in the history.")
def halt(node: str, home_dir: Path | None, actor: str, reason: str) -> None:
    """Stop a journey node for everybody: nothing more is decided, and nothing waiting is sent."""
    with opened(home_dir) as (_, engine, at), transaction(engine) as store:
        known = {one for each in stored_releases(store) for one in each.manifest["journeys"]}
        if node not in known:
            raise ReleaseError(f"there is no node {node}. Fix: one of {', '.join(sorted(known))}.")
        halts.halt(store, node, reason=reason, actor=actor, at=at)
    click.echo(f"{node} is halted: from this moment nothing of it is sent")


@click.command()
@click.argument("node")
@home_option
@actor_option
@click.option("--reason", required=True, help="Why: it stands in the history.")
def resume(node: str, home_dir: Path | None, actor: str, reason: str) -> None:
    """Let a halted node decide and send again."""
    with opened(home_dir) as (_, engine, at), transaction(engine) as store:
        halts.resume(store, node, reason=reason, actor=actor, at=at)
    click.echo(f"{node} goes on with the next run")
