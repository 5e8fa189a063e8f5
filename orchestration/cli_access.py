"""`assent access`: what is known about a person, for them (GDPR Articles 15 and 20)."""

import json
from pathlib import Path

import click

from activation.log import LogError
from orchestration import environment
from orchestration.clock import current_time
from orchestration.privacy.access import assemble
from orchestration.privacy.access_text import in_words
from orchestration.privacy.subject import SubjectError
from orchestration.warehouse import WarehouseBusyError


@click.command()
@click.option("--subject", required=True, help="person_id, record key or id, e-mail or phone.")
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Directory to write access.json and access.md to.",
)
@click.option("--home", "home_dir", type=click.Path(path_type=Path), help="Where state is kept.")
def access(subject: str, out: Path, home_dir: Path | None) -> None:
    """Write what is surely known about one person, in a form for machines and one to read.

    Make sure first that it is the person who asks: the package holds all their data.
    """
    home = environment.home(home_dir)
    if not home.warehouse.exists():
        raise click.ClickException(f"no warehouse in {home.path}; `assent run` makes one")
    try:
        package = assemble(home, subject, current_time(home))
    except (SubjectError, LogError, WarehouseBusyError) as error:
        raise click.ClickException(str(error)) from None
    out.mkdir(parents=True, exist_ok=True, mode=0o700)
    contents = {
        "access.json": json.dumps(package.document, indent=2, ensure_ascii=False) + "\n",
        "access.md": in_words(package.document),
    }
    for name, text in contents.items():
        path = out / name
        path.touch(mode=0o600)
        path.write_text(text, encoding="utf-8")
        click.echo(f"written: {path}")
    if package.withheld_records:
        click.echo(f"{package.withheld_records} records are only probably theirs and not shown.")
