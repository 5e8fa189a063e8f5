"""`assent explain`: one decision in plain words, from the log alone."""

from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import click

from activation.decisions import SENTENCES, Gate
from activation.log import DecisionLog, DecisionUnknown, LogError
from activation.log.explain import explain as in_words
from activation.release import stored_releases
from activation.store import opened_store
from orchestration import environment
from orchestration.decision_log import open_log
from orchestration.environment import Home


@click.command()
@click.argument("which", metavar="DECISION_ID|SUBJECT_ID")
@click.option("--home", "home_dir", type=click.Path(path_type=Path), help="Where state is kept.")
@click.option(
    "--at",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]),
    help="For a subject: what had been decided by this time (UTC; a day means its end).",
)
def explain(which: str, home_dir: Path | None, at: datetime | None) -> None:
    """Tell why a decision came out as it did.

    DECISION_ID stands in the outbox and in the log. For a SUBJECT_ID (a policy, claim, ticket or
    account number) the newest decision of each journey node about it is told, also the "no"s, with
    every check that failed.
    """
    home = environment.home(home_dir)
    log = open_log(home, writing=False)
    try:
        decision_ids = [which] if which.startswith("d_") else newest_about(log, which, at)
        click.echo("\n\n".join(told(home, log, decision_id) for decision_id in decision_ids))
    except DecisionUnknown as error:
        raise click.ClickException(f"{error}. The outbox and the log name the decisions.") from None
    except LogError as error:
        raise click.ClickException(str(error)) from None


def newest_about(log: DecisionLog, subject_id: str, at: datetime | None = None) -> list[str]:
    """The newest decision of each node about a subject, by node, as of a time in UTC."""
    until = at.replace(tzinfo=UTC) if at else None
    if until and until.time() == time():
        until += timedelta(days=1)
    rows = log.about(subject_id, until)
    if rows.num_rows:
        return [str(one) for one in rows["decision_id"].to_pylist()]
    raise click.ClickException(
        f"no decision about {subject_id}{' by then' if at else ''}: no journey's rule held for it, "
        "the id is written otherwise in the sources, or the person was erased"
    )


def told(home: Home, log: DecisionLog, decision_id: str) -> str:
    """One decision in plain words, those of the release it was made under. Raises
    DecisionUnknown."""
    row = log.find(decision_id)
    node = node_of(home, str(row["release"]), str(row["node"]))
    return in_words(
        row,
        opening=log.opening(decision_id),
        description=node.get("description", ""),
        sentence=node.get("explain"),
        reasons=SENTENCES,
        gates=[gate.name.lower() for gate in Gate],
    )


def node_of(home: Home, release_id: str, node_id: str) -> Mapping[str, Any]:
    """What a release says of a node; nothing where the store does not know the release."""
    with opened_store(home.store_url) as engine, engine.connect() as store:
        releases = {one.id: one for one in stored_releases(store)}
    if release_id not in releases:
        return {}
    node: Mapping[str, Any] = releases[release_id].manifest["journeys"].get(node_id, {})
    return node
