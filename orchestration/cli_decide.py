"""`assent decide`: one person, now, with the consent of this instant; the reason in plain words."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from activation.decisions import SENTENCES, DecisionError, Gate
from activation.log import Opening
from activation.log.explain import explain as in_words
from activation.moment import CopyError
from activation.release import ReleaseError
from orchestration import environment
from orchestration.cli_explain import node_of, told
from orchestration.clock import TimeError, current_time, parse_time
from orchestration.decision_log import open_log
from orchestration.environment import Home
from orchestration.moment import decision_point


@click.command()
@click.argument("person", metavar="PERSON")
@click.argument("node", metavar="[NODE]", required=False)
@click.option("--purpose", help="Decide every node of this purpose.")
@click.option("--as-of", "as_of_text", help="The time to decide at, ISO 8601 with an offset.")
@click.option("--preview", is_flag=True, help="Only show it: log nothing, count nothing.")
@click.option("--home", "home_dir", type=click.Path(path_type=Path), help="Where state is kept.")
@click.option("--json", "as_json", is_flag=True, help="Print the rows for machines.")
def decide(
    person: str,
    node: str | None,
    purpose: str | None,
    as_of_text: str | None,
    preview: bool,
    home_dir: Path | None,
    as_json: bool,
) -> None:
    """Decide about one person now, by the consent of this instant.

    PERSON is a person_id, NODE a journey node; without it every node is decided. What comes out is
    a decision like any other: it stands in the log, and the next run carries out what acts. Asking
    again for the same time gives the same answer.
    """
    home = environment.home(home_dir)
    nodes = None if node is None else [node]
    try:
        at = parse_time(as_of_text) if as_of_text else current_time(home)
        with decision_point(home, at) as point:
            rows = point.decide_one(person, at=at, nodes=nodes, purpose=purpose, record=not preview)
    except (CopyError, DecisionError, ReleaseError, TimeError) as error:
        raise click.ClickException(str(error)) from None
    if as_json:
        click.echo(json.dumps([dict(row) for row in rows], default=str, indent=2))
    elif not rows:
        click.echo(
            f"Nothing to decide about {person}: no rule of {node or 'any node'} holds for them "
            f"in the copy of {point.copy.as_of:%Y-%m-%d %H:%M} UTC."
        )
    else:
        click.echo(
            "\n\n".join(_preview(home, row) if preview else _told(home, row) for row in rows)
        )


def _told(home: Home, row: Mapping[str, Any]) -> str:
    return told(home, open_log(home, writing=False), str(row["decision_id"]))


def _preview(home: Home, row: Mapping[str, Any]) -> str:
    """The row in words, as `explain` tells it, with no place in the log."""
    node = node_of(home, str(row["release"]), str(row["node"]))
    context = row.get("context")
    text = in_words(
        dict(row) | {"batch": None, "seq": None},
        opening=Opening(0, None, b"", str(context)) if context else None,
        description=node.get("description", ""),
        sentence=node.get("explain"),
        reasons=SENTENCES,
        gates=[gate.name.lower() for gate in Gate],
    )
    *lines, _ = text.split("\n")
    return "\n".join([*lines, f"Rules: release {row['release']}. A preview: it is not recorded."])
