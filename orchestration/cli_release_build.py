"""`assent release build | list | show | approve | activate`: how a change gets to decide."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from activation.release import ReleaseError, activate, active_id, open_bundle
from activation.release.canary import current
from activation.release.pointer import pointers
from activation.release.registry import builds, resolve
from activation.release.review import approve, reviewers
from activation.store import transaction
from expectations.located_yaml import SourceError
from orchestration.cli_release import actor_option, home_option, note_option, opened
from orchestration.environment import PROJECT_ROOT
from orchestration.policy_check import policy_findings
from orchestration.release_keys import public_key
from orchestration.rules import build_from_disk, differing_files


@contextmanager
def _plain_errors() -> Iterator[None]:
    try:
        yield
    except (SourceError, FileNotFoundError) as error:
        raise click.ClickException(str(error)) from None


@click.command()
@home_option
@actor_option
@click.option(
    "--from",
    "root",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=PROJECT_ROOT,
    help="A checkout of the project (default: the one that runs).",
)
def build(home_dir: Path | None, actor: str, root: Path) -> None:
    """Build the release of the project's files, sign it and store it with them."""
    with _plain_errors(), opened(home_dir) as (home, engine, at):
        if not actor:
            raise ReleaseError("say who builds it. Fix: give --actor.")
        bundle, is_new = build_from_disk(home, engine, actor=actor, at=at, root=root)
    nodes = len(bundle.release.manifest["journeys"])
    said = "built" if is_new else "is there already:"
    click.echo(f"{bundle.release.id} {said} {nodes} nodes, {len(bundle.files)} files, signed")


@click.command("list")
@home_option
def list_releases(home_dir: Path | None) -> None:
    """List the releases in the order in which they were built."""
    with opened(home_dir) as (_, engine, _at), engine.connect() as store:
        active, canary = active_id(store), current(store)
        table = Table("release", "state", "built", "by", "approved by", box=None, padding=(0, 1))
        for one in builds(store):
            state = "active" if one.release.id == active else ""
            if canary and canary.release_id == one.release.id:
                state = f"canary {canary.percent} %"
            reviewed = ", ".join(reviewers(store, one.release.id))
            built = f"{one.at:%Y-%m-%d %H:%M}"
            table.add_row(one.release.id, state, built, ", ".join(one.builders), reviewed)
    Console(width=max(80, Console().measure(table).maximum)).print(table)


@click.command()
@click.argument("name", metavar="RELEASE")
@home_option
@click.option("--out", type=click.Path(path_type=Path), help="Write its files below this folder.")
def show(name: str, home_dir: Path | None, out: Path | None) -> None:
    """Verify a release and show what it holds; --out writes its files as they were built."""
    with opened(home_dir) as (home, engine, _), engine.connect() as store:
        bundle = open_bundle(store, resolve(store, name), public_key(home))
        history = [one for one in pointers(store) if one.release_id == bundle.release.id]
    if out:
        bundle.write(out)
    click.echo(f"{bundle.release.id}  digest {bundle.release.digest}")
    click.echo(f"signed by {public_key(home).text()}: the signature and every file hold")
    for node in bundle.release.manifest["journeys"].values():
        click.echo(f"  {node['id']:34} {node['risk_tier']:7} {node['when']}")
    differing = differing_files(bundle.release)
    said = f"{len(differing)} files differ" if differing else "no file differs"
    click.echo(f"{len(bundle.files)} files; {said} in the project: {_listed(differing)}")
    for one in history:
        click.echo(f"{one.at:%Y-%m-%d %H:%M}  {one.kind:9} {one.actor}: {one.note}")


@click.command("approve")
@click.argument("name", metavar="RELEASE")
@home_option
@actor_option
@note_option
def approve_release(name: str, home_dir: Path | None, actor: str, note: str) -> None:
    """Say, as a second person, that a release may be activated."""
    with opened(home_dir) as (home, engine, at), transaction(engine) as store:
        release_id = resolve(store, name)
        open_bundle(store, release_id, public_key(home))
        approve(store, release_id, actor=actor, note=note, at=at)
    click.echo(f"{release_id} approved by {actor}")


@click.command("activate")
@click.argument("name", metavar="RELEASE")
@home_option
@actor_option
@note_option
def activate_release(name: str, home_dir: Path | None, actor: str, note: str) -> None:
    """Make a release the one that decides, if its examples hold and the checker passes it."""
    with opened(home_dir) as (home, engine, at):
        with engine.connect() as store:
            release_id = resolve(store, name)
        activate(
            engine,
            release_id,
            key=public_key(home),
            check=policy_findings,
            actor=actor,
            note=note,
            at=at,
        )
    click.echo(f"{release_id} is active; the next run decides under it")


def _listed(paths: list[str], most: int = 5) -> str:
    more = f" and {len(paths) - most} more" if len(paths) > most else ""
    return (", ".join(paths[:most]) or "-") + more
