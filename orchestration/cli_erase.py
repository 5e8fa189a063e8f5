"""`assent erase`: removes a person everywhere (GDPR Article 17) and writes a signed receipt."""

import json
import os
from pathlib import Path

import click

from activation.log import LogError
from activation.privacy.settings import RETENTION_FILE, read_settings
from activation.store import StoreError
from expectations.located_yaml import SourceError
from orchestration import environment
from orchestration.clock import current_time
from orchestration.privacy.derived import RebuildError
from orchestration.privacy.erasure import ErasureIncomplete, dry_run
from orchestration.privacy.erasure import erase as carry_out
from orchestration.privacy.plan import ErasurePlan
from orchestration.privacy.receipt import in_words
from orchestration.privacy.subject import SubjectError
from orchestration.warehouse import WarehouseBusyError

_REFUSALS = (
    SubjectError,
    ErasureIncomplete,
    RebuildError,
    SourceError,
    StoreError,
    LogError,
    WarehouseBusyError,
)


@click.command()
@click.option("--subject", required=True, help="person_id, record key or id, e-mail or phone.")
@click.option("--reason", default="request of the person", show_default=True)
@click.option("--actor", help="Who does it (default: the user's number).")
@click.option("--home", "home_dir", type=click.Path(path_type=Path), help="Where state is kept.")
@click.option(
    "--settings",
    "settings_file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    default=RETENTION_FILE,
    help="What must be kept in spite of the request (default: activation/privacy/retention.yml).",
)
@click.option("--dry-run", "only_look", is_flag=True, help="Say what would go; change nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print the receipt for machines.")
def erase(
    subject: str,
    reason: str,
    actor: str | None,
    home_dir: Path | None,
    settings_file: Path,
    only_look: bool,
    as_json: bool,
) -> None:
    """Erase one person everywhere, and write the receipt.

    A call that was cut short is completed by the same call. The exit code is 0 only when nothing
    of the person is left but what the receipt names.
    """
    home = environment.home(home_dir)
    if not home.warehouse.exists():
        raise click.ClickException(f"no warehouse in {home.path}; `assent run` makes one")
    try:
        exemptions = read_settings(settings_file).exemptions
        as_of = current_time(home)
        if only_look:
            click.echo(_plan_in_words(dry_run(home, subject, exemptions, as_of)))
            return
        outcome = carry_out(
            home,
            subject,
            reason=reason,
            actor=actor or f"uid {os.getuid()}",
            exemptions=exemptions,
            as_of=as_of,
        )
    except _REFUSALS as error:
        raise click.ClickException(str(error)) from None
    if as_json:
        click.echo(json.dumps(outcome.document, indent=2))
        return
    if outcome.repeated:
        click.echo("Erased before; this is the receipt of then.")
    click.echo(in_words(dict(outcome.document)))
    for file in outcome.files:
        click.echo(f"written: {file}")


def _plan_in_words(plan: ErasurePlan) -> str:
    lines = [f"{count:>8,}  {table}" for table, count in plan.rows.items() if count]
    lines += [
        f"{kept['rows']:>8,}  {name} stay: {kept['obligation']}" for name, kept in plan.kept.items()
    ]
    lines.append(
        f"{len(plan.record_keys)} records, {len(plan.suppress)} identifiers to suppress, "
        f"{plan.shared} shared with others and kept. Nothing was changed."
    )
    return "\n".join(lines)
