"""`assent explain`: one decision in plain words, from the log alone."""

from pathlib import Path

import click
import pyarrow.compute as pc

from activation.decisions import SENTENCES, Gate
from activation.log import DecisionLog, DecisionUnknown, LogError
from activation.log import explain as in_words
from orchestration import environment
from orchestration.decision_step import current_rules, open_log


@click.command()
@click.argument("which", metavar="DECISION_ID|SUBJECT_ID")
@click.option("--home", "home_dir", type=click.Path(path_type=Path), help="Where state is kept.")
def explain(which: str, home_dir: Path | None) -> None:
    """Tell why a decision came out as it did.

    DECISION_ID stands in the outbox and in the log. For a SUBJECT_ID (a policy, claim, ticket or
    account number) the newest decision of each journey node about it is told.
    """
    log = open_log(environment.home(home_dir), writing=False)
    try:
        decision_ids = [which] if which.startswith("d_") else newest_about(log, which)
        click.echo("\n\n".join(told(log, decision_id) for decision_id in decision_ids))
    except DecisionUnknown as error:
        raise click.ClickException(f"{error}. The outbox and the log name the decisions.") from None
    except LogError as error:
        raise click.ClickException(str(error)) from None


def newest_about(log: DecisionLog, subject_id: str) -> list[str]:
    """The newest decision of each node about a subject, by node. Reads the newest batch first."""
    for header in reversed(log.batches()):
        rows = log.read(header.number)
        about = rows.filter(pc.equal(rows["subject_id"], subject_id)).sort_by("node")
        if about.num_rows:
            return [str(one) for one in about["decision_id"].to_pylist()]
    raise click.ClickException(
        f"no decision about {subject_id}: no journey's rule ever held for it, or the id is "
        "written otherwise in the sources"
    )


def told(log: DecisionLog, decision_id: str) -> str:
    """One decision in plain words. Raises DecisionUnknown."""
    row = log.find(decision_id)
    journeys, _ = current_rules()
    node = {one.id: one for one in journeys.nodes}.get(str(row["node"]))
    return in_words(
        row,
        opening=log.opening(decision_id),
        description=node.description if node else "",
        sentence=node.explain if node else None,
        reasons=SENTENCES,
        gates=[gate.name.lower() for gate in Gate],
    )
