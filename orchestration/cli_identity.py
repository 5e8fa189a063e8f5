"""`assent identity`: why records are one person, what to look at, and what people decided."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import click
import yaml
from rich.console import Console
from rich.table import Table
from sqlalchemy import Engine

from activation.consent.identifiers import normalise
from activation.store import identity_overrides, opened_store, transaction
from activation.store.identity_overrides import Override, OverrideError
from orchestration import environment
from orchestration.identity_account import UnknownIdentity, read_account
from orchestration.identity_svg import draw
from orchestration.identity_words import in_words, told
from orchestration.secret_keys import identity_hash_key
from orchestration.warehouse import open_warehouse

_MATTERS = """
select matter_id, kind, reason, record_count, first_record, last_record,
    coalesce(printf('%.1f %%: ', floor(probability * 1000) / 10) || evidence, '')
from identity.id_review
order by kind, record_count desc, probability desc, matter_id
limit $1
"""

Command = Callable[..., Any]
_home_option = click.option(
    "--home", "home_dir", type=click.Path(path_type=Path), help="Where state is kept."
)


def _decision(command: Command) -> Command:
    """Every override has an author and a reason."""
    for option in (
        _home_option,
        click.option("--reason", required=True, help="Why; kept with the decision."),
        click.option("--author", required=True, help="Who decides."),
    ):
        command = option(command)
    return command


def _store(home_dir: Path | None) -> AbstractContextManager[Engine]:
    return opened_store(environment.home(home_dir).store_url)


@click.group()
def identity() -> None:
    """Explain persons, list what to review, and record what people decide about who is who."""


@identity.command()
@click.argument("which", metavar="RECORD|PERSON")
@click.option(
    "--svg", type=click.Path(path_type=Path, dir_okay=False), help="Draw the person to this file."
)
@_home_option
def explain(which: str, svg: Path | None, home_dir: Path | None) -> None:
    """Tell why records are one person, what was not joined, and what happened before.

    RECORD is written <system>.<entity>:<id>, such as crm.contacts:C1.
    """
    home = _home_with_warehouse(home_dir)
    with _store(home_dir) as engine, engine.connect() as store:
        overrides = identity_overrides.current(store)
    try:
        with open_warehouse(home.warehouse, locked=True, wait=1) as connection:
            account = read_account(connection, which)
    except UnknownIdentity as error:
        raise click.ClickException(str(error)) from None
    click.echo("\n".join(in_words(account, overrides)))
    if svg is not None:
        svg.write_text(draw(account), encoding="utf-8")
        click.echo(f"drawn: {svg}")


@identity.command()
@click.option("--limit", default=50, show_default=True, help="How many matters to list.")
@_home_option
def review(limit: int, home_dir: Path | None) -> None:
    """List what the rules joined nobody over, and a person may know better."""
    home = _home_with_warehouse(home_dir)
    with open_warehouse(home.warehouse, locked=True, wait=1) as connection:
        rows = connection.execute(_MATTERS, [limit]).fetchall()
    table = Table("matter", "kind", "about", "records", "first", "last", "evidence", box=None)
    for row in rows:
        table.add_row(*map(str, row))
    # As wide as its content: a cut-off key can't be copied.
    Console(width=max(80, Console(width=10_000).measure(table).maximum)).print(table)


@identity.command()
@click.option(
    "--project",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    default=environment.DBT_PROJECT_DIR,
    help="The dbt project whose matching/settings.yml is trained.  [default: the project's own]",
)
@_home_option
def train(project: Path, home_dir: Path | None) -> None:
    """Train the probabilistic layer on the records of the last run, and write its parameters.

    The same records and settings give the same file. It decides with the next release.
    """
    # Imported here: the other commands need not wait for Splink.
    from expectations.located_yaml import SourceError
    from orchestration.matching.training import TrainingError, train_project

    home = _home_with_warehouse(home_dir)
    try:
        with open_warehouse(home.warehouse, locked=True, wait=1) as connection:
            path, parameters = train_project(connection, project)
    except (SourceError, TrainingError) as error:
        raise click.ClickException(str(error)) from None
    click.echo(
        f"trained on {parameters.records:,} records; a random pair is one person in one of "
        f"{1 / parameters.prior:,.0f} cases\nwritten: {path}\n"
        "it decides with the next release: `assent release build`, or `assent run --rules disk`"
    )


@identity.group()
def override() -> None:
    """Record, list and revoke decisions; the next run follows them."""


@override.command("block-value")
@click.argument("rule")
@click.argument("value")
@_decision
def block_value(rule: str, value: str, author: str, reason: str, home_dir: Path | None) -> None:
    """A value of RULE (such as email or phone) joins nobody. Only its keyed hash is kept."""
    known = _single_value_rules()
    if rule not in known:
        raise click.ClickException(f"no rule {rule} with one value; use one of {', '.join(known)}")
    usable = normalise(rule, value)
    if usable is None:
        raise click.ClickException(f"the value is no usable {rule}; write a phone number with +")
    made = identity_overrides.block_value(
        rule,
        [usable],
        identity_hash_key(environment.home(home_dir)),
        author=author,
        reason=reason,
        at=datetime.now(UTC),
    )
    _record(made, home_dir)


@override.command()
@click.argument("record_key", metavar="RECORD")
@_decision
def detach(record_key: str, author: str, reason: str, home_dir: Path | None) -> None:
    """RECORD is a person of its own, whatever it shares with others."""
    made = identity_overrides.detach(record_key, author=author, reason=reason, at=datetime.now(UTC))
    _record(made, home_dir)


def _pair_command(kind: Literal["never_link", "always_link"], help_line: str) -> None:
    @override.command(kind.replace("_", "-"), help=help_line)
    @click.argument("record_key", metavar="RECORD")
    @click.argument("other_record_key", metavar="RECORD")
    @_decision
    def command(
        record_key: str, other_record_key: str, author: str, reason: str, home_dir: Path | None
    ) -> None:
        records = (record_key, other_record_key)
        try:
            made = identity_overrides.pair(
                kind, records, author=author, reason=reason, at=datetime.now(UTC)
            )
        except OverrideError as error:
            raise click.ClickException(str(error)) from None
        _record(made, home_dir)


_pair_command("never_link", "Two records are never one person; the next run parts them.")
_pair_command("always_link", "Two records are always one person, at assurance B.")


@override.command()
@click.argument("override_id")
@_decision
def revoke(override_id: str, author: str, reason: str, home_dir: Path | None) -> None:
    """Take a decision back; the next run does what the records alone say."""
    with _store(home_dir) as engine, _plain_errors(), transaction(engine) as store:
        identity_overrides.revoke(
            store, override_id, author=author, reason=reason, at=datetime.now(UTC)
        )
    click.echo(f"revoked {override_id}; the next run follows")


@override.command("list")
@_home_option
def list_overrides(home_dir: Path | None) -> None:
    """List the decisions that stand."""
    with _store(home_dir) as engine, engine.connect() as store:
        standing = identity_overrides.current(store)
    click.echo("\n".join(map(told, standing)) or "no override stands")


def _record(made: Override, home_dir: Path | None) -> None:
    with _store(home_dir) as engine, _plain_errors(), transaction(engine) as store:
        identity_overrides.record(store, made)
    click.echo(f"recorded {made.override_id}; the next run follows")


@contextmanager
def _plain_errors() -> Iterator[None]:
    try:
        yield
    except OverrideError as error:
        raise click.ClickException(str(error)) from None


def _home_with_warehouse(home_dir: Path | None) -> environment.Home:
    home = environment.home(home_dir)
    if not home.warehouse.exists():
        raise click.ClickException(f"no warehouse in {home.path}; `assent run` makes one")
    return home


def _single_value_rules() -> list[str]:
    """The rules whose key is one value, from dbt_project.yml."""
    path = environment.DBT_PROJECT_DIR / "dbt_project.yml"
    project = yaml.safe_load(path.read_text(encoding="utf-8"))
    rules = project["vars"]["identity_rules"]
    return [one["rule"] for one in rules if one["kind"] in ("authoritative", "identifier")]
