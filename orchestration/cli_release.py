"""`assent release`: what decides, from a change of a rule to its rollback."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from sqlalchemy import Engine

from activation.release.errors import ReleaseError
from activation.store import StoreError, opened_store
from orchestration import environment
from orchestration.clock import current_time
from orchestration.environment import Home
from orchestration.lazy_group import LazyGroup

COMMANDS = {
    "build": ("orchestration.cli_release_build", "build"),
    "list": ("orchestration.cli_release_build", "list_releases"),
    "show": ("orchestration.cli_release_build", "show"),
    "diff": ("orchestration.cli_release_diff", "diff"),
    "approve": ("orchestration.cli_release_build", "approve_release"),
    "activate": ("orchestration.cli_release_build", "activate_release"),
    "canary": ("orchestration.cli_release_live", "canary"),
    "halt": ("orchestration.cli_release_live", "halt"),
    "resume": ("orchestration.cli_release_live", "resume"),
    "rollback": ("orchestration.cli_release_rollback", "roll_back"),
}


@click.group(cls=LazyGroup, later=COMMANDS)
def release() -> None:
    """Build, compare, activate, canary, halt and roll back what decides."""


def home_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--home`."""
    return click.option(
        "--home", "home_dir", type=click.Path(path_type=Path), help="Where state is kept."
    )(command)


def actor_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--actor`."""
    return click.option(
        "--actor",
        default=environment.actor,
        help=f"Who does this (default: {environment.ACTOR_VARIABLE}).",
    )(command)


def note_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--note`."""
    return click.option("--note", required=True, help="Why: it stands in the history.")(command)


@contextmanager
def opened(home_dir: Path | None) -> Iterator[tuple[Home, Engine, datetime]]:
    """The home, its store and its time; faults that a person can mend are said in one line."""
    home = environment.home(home_dir)
    try:
        with opened_store(home.store_url) as engine:
            yield home, engine, current_time(home)
    except (ReleaseError, StoreError) as error:
        raise click.ClickException(str(error)) from None
