"""`assent check`: the policy type-checker over the dbt project, the journeys and the syncs."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import click

from expectations.located_yaml import SourceError
from expectations.policy.check import Checked
from expectations.policy.difference import Loosened
from expectations.policy.explanation import explained, find
from expectations.policy.finding import Finding
from expectations.policy.sarif import sarif
from orchestration import environment
from orchestration.dbt_runner import DbtError
from orchestration.policy_check import check as check_policy
from orchestration.policy_revision import RevisionError, looser_than


class _NotChecked(click.ClickException):
    """The project could not be checked at all."""

    exit_code = 2


@click.command()
@click.option("--explain", metavar="MODEL.COLUMN", help="Prove one column's label, step by step.")
@click.option("--diff", "revision", metavar="REV", help="Tell what lets more happen than in git.")
@click.option("--json", "as_json", is_flag=True, help="Write the findings as JSON.")
@click.option("--sarif", "as_sarif", is_flag=True, help="Write the findings as SARIF 2.1.0.")
@click.option("--on", type=click.DateTime(["%Y-%m-%d"]), help="The day to check for (today, UTC).")
@click.option(
    "--from",
    "root",
    type=click.Path(path_type=Path, exists=True, file_okay=False, resolve_path=True),
    default=environment.PROJECT_ROOT,
    help="The folder that holds dbt_project and activation (this installation's).",
)
@click.option("--home", "home_dir", type=click.Path(path_type=Path), help="Where state is kept.")
@click.pass_context
def check(
    context: click.Context,
    explain: str | None,
    revision: str | None,
    as_json: bool,
    as_sarif: bool,
    on: datetime | None,
    root: Path,
    home_dir: Path | None,
) -> None:
    """Check every column's categories, residency, retention and purposes, from source to sync.

    Exit code 0 when nothing is wrong, 1 when something is (with --diff: looser), 2 when the project
    could not be checked.
    """
    if revision is not None and as_sarif:
        raise click.UsageError("--diff tells of more than files: write it as text or with --json")
    day = (on or datetime.now(UTC)).date()
    home = environment.home(home_dir)
    try:
        checked = check_policy(home, day, root)
        if explain is not None:
            click.echo("\n".join(explained(checked.graph, find(checked.graph, explain))))
            return
        if revision is not None:
            changes = looser_than(revision, checked, home, day, root)
            click.echo(_differences(revision, changes, as_json=as_json))
            context.exit(1 if changes else 0)
    except KeyError:
        raise _NotChecked(
            f"{explain}: no such column, or several: say schema.table.column"
        ) from None
    except (DbtError, SourceError, RevisionError) as error:
        raise _NotChecked(str(error)) from None
    click.echo(_report(checked, as_json=as_json, as_sarif=as_sarif))
    context.exit(1 if checked.findings else 0)


def _differences(revision: str, changes: Sequence[Loosened], *, as_json: bool) -> str:
    if as_json:
        told = [{"what": one.what, "how": list(one.how)} for one in changes]
        return json.dumps({"revision": revision, "looser": told}, indent=2)
    return "\n".join(map(str, changes)) or f"nothing is looser than in {revision}"


def _report(checked: Checked, *, as_json: bool, as_sarif: bool) -> str:
    findings = checked.findings
    if as_sarif:
        return json.dumps(sarif(findings), indent=2)
    columns = sum(len(relation.fields) for relation in checked.graph.relations.values())
    if as_json:
        report = {"columns": columns, "findings": [_as_json(one) for one in findings]}
        return json.dumps(report, indent=2)
    lines = [str(one) for one in findings]
    relations = len(checked.graph.relations)
    lines.append(f"{columns} columns of {relations} relations, {len(findings)} findings")
    return "\n".join(lines)


def _as_json(finding: Finding) -> dict[str, object]:
    return {
        "code": finding.code.value,
        "severity": "error",
        "file": finding.file,
        "line": finding.line,
        "model": finding.model,
        "column": finding.column,
        "message": finding.message,
        "path": [str(one) for one in finding.path],
        "fix": finding.fix,
    }
