"""`assent policy`: the labels where people look."""

from pathlib import Path

import click

from orchestration import environment


@click.group()
def policy() -> None:
    """Show policy labels and column lineage."""


@policy.command()
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder to write to.")
@click.option("--home", type=click.Path(path_type=Path), help="Where dbt's output is kept.")
def docs(out: Path, home: Path | None) -> None:
    """Write column lineage as pages (lineage/), and dbt's documentation with labels (dbt/).

    Both open from the disk, without a server and without the network.
    """
    from activation.evidence.export import write
    from activation.evidence.lineage_pages import INDEX, pages
    from orchestration.dbt_docs import labelled_site
    from orchestration.evidence import commit_time, evidence_inputs

    place = environment.home(home)
    inputs = evidence_inputs(place, commit_time())
    count = write(pages(inputs), out / "lineage")
    write(iter([("dbt/index.html", labelled_site(place, inputs.graph))]), out)
    click.echo(f"{count} pages: {out / 'lineage' / INDEX}")
    click.echo(f"dbt documentation with labels: {out / 'dbt' / 'index.html'}")
