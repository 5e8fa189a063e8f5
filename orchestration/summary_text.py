"""The summary for people: one screen, in the order of the data's path."""

from typing import Any

from rich.console import Console
from rich.table import Table

from orchestration.summary import LandingSummary, RunSummary

WORTH_SHOWING = 0.05


def print_summary(summary: RunSummary, console: Console) -> None:
    """Print what came in, what was decided and why, what left, and where everything lies."""
    console.rule(f"as of {summary.as_of:%Y-%m-%d %H:%M} UTC")
    _print_landing(summary.landing, console)
    console.print(
        f"[bold]people[/bold]   {summary.persons:,} persons from {summary.records:,} records, "
        f"{summary.links:,} links"
    )
    console.print(
        f"[bold]consent[/bold]  {summary.permits.get('permit', 0):,} permits, "
        f"{summary.permits.get('deny', 0):,} denials "
        f"[dim]({_listed(summary.denials_by_reason, 5)})[/dim]"
    )
    console.print(
        f"[bold]decided[/bold]  {summary.decisions_new:,} decisions under release "
        f"{summary.release or '-'}; {summary.decisions_logged:,} in the log"
    )
    _print_release(summary, console)
    if summary.candidates_by_node:
        console.print(_decision_table(summary))
    if summary.audiences:
        console.print(f"[bold]members[/bold]  {_listed(summary.audiences, 10)}")
    carried_out = {name: one for name, one in summary.syncs.items() if "note" not in one}
    if carried_out:
        console.print(_sync_table(carried_out))
    for name, report in carried_out.items():
        for refusal in report.get("refusals", []):
            console.print(f"         [yellow]{name} may not leave: {refusal}[/yellow]")
    if idle := sorted(summary.syncs.keys() - carried_out.keys()):
        console.print(f"[dim]not set up in this home: {', '.join(idle)}[/dim]", highlight=False)
    console.print(
        "[bold]seconds[/bold]  "
        + ", ".join(
            f"{name} {seconds:.1f}"
            for name, seconds in summary.seconds_by_stage.items()
            if seconds >= WORTH_SHOWING
        )
    )
    for name, place in summary.places.items():
        console.print(f"[bold]{name:18}[/bold]{place}", highlight=False, soft_wrap=True)
    if summary.example_decision:
        console.print(f"why one of them: assent explain {summary.example_decision}")
    for problem in summary.problems:
        console.print(f"[red]stopped:[/red] {problem}", highlight=False)


def _print_landing(landing: LandingSummary, console: Console) -> None:
    console.print(
        f"[bold]landing[/bold]  {landing.files_loaded} files loaded, "
        f"{landing.files_repeated} repeated, {landing.files_failed} failed: "
        f"{landing.rows_in:,} rows in = {landing.rows_accepted:,} accepted + "
        f"{landing.rows_quarantined:,} quarantined"
        + (f" + {landing.rows_expired:,} expired" if landing.rows_expired else "")
        + (f" + {landing.rows_erased:,} erased" if landing.rows_erased else "")
    )
    if not landing.files_new:
        console.print(f"         [dim]nothing new: {landing.files_unchanged} files as before[/dim]")
    if landing.quarantine_by_reason:
        console.print(f"         [dim]{_listed(landing.quarantine_by_reason, 8)}[/dim]")
    for message in landing.messages:
        console.print(f"         [yellow]{message}[/yellow]", highlight=False)


def _print_release(summary: RunSummary, console: Console) -> None:
    """What a reader must know to see why the decisions are not those of the files on disk."""
    if summary.canary:
        console.print(f"         canary: {summary.canary} of the persons", highlight=False)
    if summary.halted:
        console.print(f"         [yellow]halted: {', '.join(summary.halted)}[/yellow]")
    for refusal in summary.bundles_refused:
        console.print(f"         [yellow]bundle refused: {refusal}[/yellow]", highlight=False)
    if summary.rules_differ:
        files = summary.rules_differ
        more = f" and {len(files) - 1} more" if len(files) > 1 else ""
        console.print(
            f"         [yellow]rules on disk differ from the active release {summary.release} "
            f"({files[0]}{more});\n         they decide after `assent release build` and "
            "`assent release activate`, or with `assent run --rules disk`[/yellow]",
            highlight=False,
            soft_wrap=True,
        )


def _decision_table(summary: RunSummary) -> Table:
    table = Table("node", "act", "defer", "hold", "withhold", "why not", box=None, padding=(0, 1))
    for node, outcomes in summary.candidates_by_node.items():
        why_not = {
            reason: count
            for outcome, reasons in outcomes.items()
            if outcome != "act"
            for reason, count in reasons.items()
        }
        counts = [
            f"{sum(outcomes.get(outcome, {}).values()):,}"
            for outcome in ("act", "defer", "hold", "withhold")
        ]
        table.add_row(node, *counts, _listed(why_not, 6))
    return table


def _sync_table(reports: dict[str, dict[str, Any]]) -> Table:
    table = Table(
        "sync", "sent", "unchanged", "removed", "withheld", "failed", "", box=None, padding=(0, 1)
    )
    for name, report in reports.items():
        withheld = report.get("withheld", {})
        table.add_row(
            name,
            f"{report.get('sent', 0):,}",
            f"{report.get('unchanged', 0):,}",
            f"{report.get('removed', 0):,}",
            f"{sum(withheld.values()):,}",
            f"{report.get('failed', 0) + report.get('in_doubt', 0):,}",
            _listed(withheld, 3),
        )
    return table


def _listed(counts: dict[str, int], most: int) -> str:
    ordered = sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    shown = [f"{name} {count:,}" for name, count in ordered[:most]]
    if len(ordered) > most:
        shown.append(f"{len(ordered) - most} more")
    return ", ".join(shown)
