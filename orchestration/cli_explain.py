"""`assent explain`: one decision in plain words, from the log alone."""

from pathlib import Path

import click

from activation.decisions import SENTENCES, Gate
from activation.log import DecisionUnknown, LogError
from activation.log import explain as in_words
from orchestration import environment
from orchestration.decision_step import current_rules, open_log


@click.command()
@click.argument("decision_id")
@click.option("--home", "home_dir", type=click.Path(path_type=Path), help="Where state is kept.")
def explain(decision_id: str, home_dir: Path | None) -> None:
    """Tell why one decision came out as it did (DECISION_ID as in the outbox or the log)."""
    log = open_log(environment.home(home_dir), writing=False)
    try:
        row = log.find(decision_id)
        opening = log.opening(decision_id)
    except DecisionUnknown as error:
        raise click.ClickException(f"{error}. The outbox and the log name the decisions.") from None
    except LogError as error:
        raise click.ClickException(str(error)) from None
    journeys, _ = current_rules()
    known = {node.id: node for node in journeys.nodes}
    node = known.get(str(row["node"]))
    click.echo(
        in_words(
            row,
            opening=opening,
            description=node.description if node else "",
            sentence=node.explain if node else None,
            reasons=SENTENCES,
            gates=[gate.name.lower() for gate in Gate],
        )
    )
