"""`assent evidence`: the documents that legal, auditors and other tools ask for."""

from datetime import datetime
from pathlib import Path

import click

from orchestration import environment


@click.group()
def evidence() -> None:
    """Generate evidence: record of processing, AI RMF profile, DPIA inputs, contracts, lineage."""


@evidence.command()
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder to write to.")
@click.option("--home", type=click.Path(path_type=Path), help="Where dbt's output is kept.")
@click.option(
    "--at", help="Instant (ISO 8601) in place of the commit's: the OpenLineage events carry it."
)
def export(out: Path, home: Path | None, at: str | None) -> None:
    """Write every document of the rules in this checkout below --out.

    The same commit gives the same bytes: nothing in them comes from a clock or from the warehouse.
    """
    from activation.evidence.export import documents, write
    from orchestration.evidence import commit_time, evidence_inputs

    instant = datetime.fromisoformat(at) if at else commit_time()
    if instant.tzinfo is None:
        raise click.BadParameter(
            "give an offset, such as 2026-11-20T06:00:00+00:00", param_hint="--at"
        )
    inputs = evidence_inputs(environment.home(home), instant)
    count = write(documents(inputs, instant), out)
    click.echo(f"{count} files in {out}, revision {inputs.revision[:16]}")
