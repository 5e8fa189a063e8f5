"""`assent release rollback`: a module of its own, for it is waited for (a second at most)."""

from pathlib import Path

import click

from activation.release.pointer import rollback
from activation.release.registry import open_bundle, resolve
from activation.store import transaction
from orchestration.cli_release import actor_option, home_option, note_option, opened
from orchestration.release_keys import public_key


@click.command("rollback")
@click.option("--to", metavar="RELEASE", help="One that was active before (default: the last).")
@home_option
@actor_option
@note_option
def roll_back(to: str | None, home_dir: Path | None, actor: str, note: str) -> None:
    """Go back to the release that was active before, at once."""
    with opened(home_dir) as (home, engine, at), transaction(engine) as store:
        target = rollback(
            store,
            to=resolve(store, to) if to else None,
            is_intact=lambda one: open_bundle(store, one, public_key(home)),
            actor=actor,
            note=note,
            at=at,
        )
    click.echo(f"{target} is active again; the next run decides under it")
