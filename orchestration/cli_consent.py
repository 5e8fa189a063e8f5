"""`assent consent`: what a person allows and why, what they said, and recording a statement."""

import os
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from sqlalchemy import Engine

from activation.consent.events import InvalidEvent
from activation.consent.identifiers import normalise
from activation.consent.ledger import verify_chain
from activation.consent.lookup import history as events_under
from activation.consent.notices import load_notices
from activation.consent.recording import record as record_event
from activation.consent.regimes import RuleBook, load_regimes
from activation.consent.standing import stand
from activation.consent.vocabulary import ACTIONS, CHANNELS, IDENTIFIER_TYPES
from activation.decisions.reasons import LIFTS
from activation.store import opened_store
from orchestration import environment
from orchestration.clock import TimeError, current_time, parse_time
from orchestration.known_person import persons_with, read_known_person
from orchestration.warehouse import open_warehouse

# wider than any table here
_WIDE = 500

Command = Callable[..., Any]
_home_option = click.option(
    "--home", "home_dir", type=click.Path(path_type=Path), help="Where state is kept."
)


class Moment(click.ParamType):
    """An ISO 8601 instant with an offset, as UTC."""

    name = "time"

    def convert(self, value: Any, param: Any, ctx: Any) -> datetime:
        try:
            return parse_time(str(value))
        except TimeError as error:
            self.fail(str(error), param, ctx)


class Identifier(click.ParamType):
    """TYPE:VALUE, normalised as the ledger keeps it."""

    name = "TYPE:VALUE"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[str, str]:
        kind, separator, raw = str(value).partition(":")
        if not separator or kind not in IDENTIFIER_TYPES:
            self.fail(f"write TYPE:VALUE, TYPE one of {', '.join(IDENTIFIER_TYPES)}", param, ctx)
        normal = normalise(kind, raw)
        if normal is None:
            self.fail(f"is no readable {kind}; write a phone number with + and country", param, ctx)
        return kind, normal


def _store(home_dir: Path | None) -> AbstractContextManager[Engine]:
    return opened_store(environment.home(home_dir).store_url)


@click.group()
def consent() -> None:
    """Show what a person allows and why, record what they say, verify the ledger."""


@consent.command()
@click.argument("who", metavar="PERSON_ID|TYPE:VALUE")
@click.option("--at", "as_of", type=Moment(), help="The instant to judge at (default: now).")
@_home_option
def show(who: str, as_of: datetime | None, home_dir: Path | None) -> None:
    """Show the verdict for each purpose and channel, from the ledger as it is now.

    WHO is a person_id or an identifier such as email:ada@example.com. Who goes by which identifier
    is what the last run knew.
    """
    home = environment.home(home_dir)
    if not home.warehouse.exists():
        raise click.ClickException(f"no warehouse in {home.path}; `assent run` makes one")
    with open_warehouse(home.warehouse, locked=True, wait=1) as connection:
        if ":" in who:
            persons = persons_with(connection, *Identifier().convert(who, None, None))
        else:
            persons = [who]
        known = {one: read_known_person(connection, one) for one in persons}
    found = {one: person for one, person in known.items() if person is not None}
    if not found:
        raise click.ClickException("the last run knew no such person; check the spelling")
    regimes = load_regimes()
    rules = RuleBook(regimes)
    scopes = [(purpose, channel) for purpose in regimes.purposes for channel in regimes.channels]
    with _store(home_dir) as engine, engine.connect() as store:
        for person_id, person in found.items():
            standing = stand(store, person, scopes, rules, as_of=as_of or current_time(home))
            click.echo(
                f"{person_id}, {person.jurisdiction or 'country unknown'}, "
                f"{len(person.links)} identifiers; ledger up to entry {standing.seq}"
            )
            _print(
                ("purpose", "channel", "verdict", "reason", "evidence", "what would change it"),
                [
                    (
                        *scope,
                        verdict.verdict,
                        verdict.reason,
                        verdict.evidence or "",
                        LIFTS.get(verdict.reason, ""),
                    )
                    for scope, verdict in standing.verdicts.items()
                ],
            )


@consent.command()
@click.argument("who", type=Identifier())
@click.option("--known-at", type=Moment(), help="Leave out what was recorded later.")
@click.option("--at", type=Moment(), help="Leave out what was said later.")
@_home_option
def history(
    who: tuple[str, str],
    known_at: datetime | None,
    at: datetime | None,
    home_dir: Path | None,
) -> None:
    """List every statement under one identifier, in the order the ledger learned of them."""
    with _store(home_dir) as engine, engine.connect() as store:
        events = events_under(store, [who])
    kept = [
        event
        for event in events
        if (known_at is None or event.recorded_at <= known_at)
        and (at is None or event.occurred_at <= at)
    ]
    _print(
        ("entry", "event", "action", "purpose", "channel", "said", "recorded", "notice", "source"),
        [
            (
                event.seq,
                event.event_id,
                event.action,
                event.purpose,
                event.channel,
                f"{event.occurred_at:%Y-%m-%d %H:%M}",
                f"{event.recorded_at:%Y-%m-%d %H:%M}",
                event.notice_version or "",
                event.source,
            )
            for event in kept
        ],
    )


@consent.command()
@click.argument("who", metavar="TYPE:VALUE")
@click.argument("action", type=click.Choice(ACTIONS))
@click.option("--purpose", required=True, help="A purpose of the regimes; * to restrict all.")
@click.option("--channel", required=True, type=click.Choice([*CHANNELS, "*"]))
@click.option("--source", required=True, help="Who heard it, such as call_centre.")
@click.option("--notice", "notice_version", help="Version of the notice that was shown.")
@click.option("--country", help="Whose rules it was said under, such as DE.")
@click.option("--evidence", help="Where the proof is kept.")
@click.option("--occurred-at", type=Moment(), help="When it was said (default: now).")
@click.option("--expires-at", type=Moment(), help="When a grant ends.")
@_home_option
def record(who: str, occurred_at: datetime | None, home_dir: Path | None, **said: Any) -> None:
    """Record what a person said; syncs follow from the next row on, decisions from the next run."""
    kind, _, value = who.partition(":")
    now = current_time(environment.home(home_dir))
    with _store(home_dir) as engine:
        try:
            event, appended = record_event(
                engine,
                identifier_type=kind,
                identifier=value,
                occurred_at=occurred_at or now,
                recorded_at=now,
                notices=load_notices().versions,
                purposes=set(load_regimes().purposes),
                entropy=os.urandom,
                **said,
            )
        except InvalidEvent as error:
            raise click.ClickException(f"{error.field}: {error.fix}") from None
    click.echo(f"recorded {event.event_id} as entry {appended.watermark.seq} of the ledger")


@consent.command()
@_home_option
def verify(home_dir: Path | None) -> None:
    """Recompute the ledger's chain of hashes; exit 1 if an entry was changed, dropped or added."""
    with _store(home_dir) as engine, engine.connect() as store:
        report = verify_chain(store)
    if not report.is_intact:
        raise click.ClickException(f"the ledger does not hold from entry {report.broken_at} on")
    click.echo(f"The ledger holds: {report.checked:,} entries.")


@consent.command()
def notices() -> None:
    """List the notices, and from which version on consent counts."""
    listed = load_notices()
    _print(
        ("version", "from", "material", "purposes", "languages", "what is new"),
        [
            (
                notice.version,
                notice.effective_from,
                "yes" if notice.material_change else "no",
                ", ".join(notice.purposes),
                ", ".join(text.language for text in notice.texts),
                notice.summary,
            )
            for notice in listed.notices
        ],
    )
    for purpose in sorted({purpose for notice in listed.notices for purpose in notice.purposes}):
        click.echo(f"{purpose}: consent counts from version {listed.minimum(purpose)} on")


def _print(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    table = Table(*columns, box=None, padding=(0, 2, 0, 0))
    for row in rows:
        table.add_row(*map(str, row))
    # As wide as its content: a cut-off id can't be copied.
    Console(width=_WIDE).print(table)
