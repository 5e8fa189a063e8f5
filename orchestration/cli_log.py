"""`assent log`: verify the decision log, prove one decision, list the signed checkpoints."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from activation.log import (
    DecisionLog,
    LogError,
    PublicKey,
    adopt_next_key,
    load_or_create_key,
)
from activation.log.checkpoints import BatchHeader
from activation.log.keys import NEXT_FILE
from activation.log.notes import split
from activation.log.requests import FORMAT as REQUESTS
from orchestration.decision_log import LOG_ORIGIN, open_log
from orchestration.environment import Home
from orchestration.environment import home as resolve_home

if TYPE_CHECKING:
    from activation.decisions import Replay

PATH = click.Path(path_type=Path)


def _home_option(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--home", type=PATH, help="State directory (default: ASSENT_HOME, then var/)."
    )(command)


def _open(home: Path | None, copies: Path | None = None) -> DecisionLog:
    """The log for reading: verifying and proving need no private key.

    Runs copy each checkpoint to the home's `checkpoint_copies` unless told otherwise.
    """
    resolved = resolve_home(home)
    directory, usual = resolved.decision_log, resolved.checkpoint_copies
    if not (directory / "checkpoints").is_dir():
        raise click.ClickException(f"{directory}: no decision log here; run `assent run` first")
    return DecisionLog(directory, copies=copies or (usual if usual.is_dir() else None))


@contextmanager
def _plain_errors() -> Iterator[None]:
    try:
        yield
    except LogError as error:
        raise click.ClickException(str(error)) from None


@click.group()
def log() -> None:
    """Verify the decision log, prove single decisions, list checkpoints."""


@log.command()
@_home_option
@click.option(
    "--public-key",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The key you trust (default: the one beside the log, which proves less).",
)
@click.option("--copies", type=PATH, help="Directory where copies of the checkpoints are kept.")
@click.option("--json", "as_json", is_flag=True, help="Print the report for machines.")
def verify(home: Path | None, public_key: Path | None, copies: Path | None, as_json: bool) -> None:
    """Recompute every row, root, signature and opening; exit 1 if anything doesn't hold."""
    with _plain_errors():
        opened = _open(home, copies)
        key = PublicKey.parse(public_key.read_text(encoding="utf-8")) if public_key else None
        report = opened.verify(key)
    if as_json:
        document = {
            "ok": report.ok,
            "batches": report.batches,
            "rows": report.rows,
            "openings": report.openings,
            "root": report.root.hex(),
            "uncommitted": report.uncommitted,
            "findings": [vars(finding) for finding in report.findings],
        }
        click.echo(json.dumps(document, indent=2))
    else:
        for finding in report.findings:
            click.echo(finding)
        verdict = "The log holds" if report.ok else "The log FAILS"
        erased = report.rows - report.openings
        click.echo(
            f"{verdict}: {report.batches} batches, {report.rows} rows, {report.openings} openings "
            f"({erased} erased or not here), root {report.root.hex()}"
        )
        if report.uncommitted:
            click.echo("A batch was cut short and never committed; the next run removes it.")
    sys.exit(0 if report.ok else 1)


@log.command()
@click.argument("decision", metavar="DECISION_ID|SEQ")
@_home_option
@click.option("--out", type=PATH, help="File to write (default: standard output).")
@click.option(
    "--with-opening", is_flag=True, help="Include the decision's data; it is personal data."
)
def prove(decision: str, home: Path | None, out: Path | None, with_opening: bool) -> None:
    """Write the proof (C2SP tlog-proof) that a decision stands in the signed log.

    It names the decision, person and subject, unless they were erased: then only its SEQ finds the
    row, and the proof is of what is left. Whoever receives it checks it with
    activation/log/verifier.py and the public key alone.
    """
    which = int(decision) if decision.isascii() and decision.isdecimal() else decision
    with _plain_errors():
        proof = _open(home).prove(which, with_opening=with_opening)
    if with_opening and (proof.opening is None or proof.opening.context is None):
        raise click.ClickException(f"decision {decision}: its data has been erased")
    if out:
        out.write_text(proof.text(), encoding="utf-8")
        click.echo(f"{out}: {len(proof.path)} hashes, seq {proof.seq}")
    else:
        click.echo(proof.text(), nl=False)


@log.command()
@click.argument("old", metavar="OLD_BATCH|OLD_CHECKPOINT_FILE")
@click.argument("new", type=int, required=False, metavar="[NEW_BATCH]")
@_home_option
@click.option("--out", type=PATH, help="File to write (default: standard output).")
def consistency(old: str, new: int | None, home: Path | None, out: Path | None) -> None:
    """Write the proof that the log after NEW_BATCH (default: the newest) only added to OLD.

    OLD is a batch, or a file with a checkpoint that somebody kept. Whoever kept it checks the proof
    with activation/log/verifier.py and the public key alone: no row is needed.
    """
    with _plain_errors():
        opened = _open(home)
        batches = opened.batches()
        older = _batch_of(opened, old)
        newer = new or len(batches)
        if not 1 <= older <= newer <= len(batches):
            fix = f"name batches from 1 to {len(batches)}, the older one first"
            raise click.ClickException(f"the log has no such pair of batches; {fix}")
        proof = opened.prove_consistency(older, newer)
    if out:
        out.write_text(proof.text(), encoding="utf-8")
        click.echo(
            f"{out}: {len(proof.path)} hashes, from {batches[older - 1].size:,} rows of batch "
            f"{older} to {batches[newer - 1].size:,} of batch {newer}"
        )
    else:
        click.echo(proof.text(), nl=False)


def _batch_of(opened: DecisionLog, old: str) -> int:
    """The batch whose checkpoint is meant; a file's must be one that the log still has."""
    if old.isascii() and old.isdecimal():
        return int(old)
    try:
        kept = split(Path(old).read_text(encoding="utf-8"))[0]
        number = BatchHeader.parse(kept).number
    except OSError as error:
        raise click.ClickException(f"{old}: {error.strerror}; give a batch or a file") from None
    if number > len(opened.batches()) or split(opened.checkpoint(number))[0] != kept:
        raise click.ClickException(
            f"{old}: the log has another checkpoint of batch {number}, or none: it was rewritten "
            "or cut; run `assent log verify`"
        )
    return number


@log.command("rotate-key")
@_home_option
def rotate_key(home: Path | None) -> None:
    """Sign with a new key from the next batch on; run again if it was interrupted.

    Both keys sign the transition, so whoever trusts the old key can verify what follows. The old
    private key is deleted: nothing it signs from now on is accepted.
    """
    resolved = resolve_home(home)
    with _plain_errors():
        opened = _open(home)
        old = load_or_create_key(resolved.keys, origin=LOG_ORIGIN, entropy=os.urandom)
        new = load_or_create_key(
            resolved.keys, origin=LOG_ORIGIN, entropy=os.urandom, file=NEXT_FILE
        )
        if opened.keys.current != new.public:
            copies = resolved.checkpoint_copies
            DecisionLog(resolved.decision_log, signing_key=old, copies=copies).rotate_key(new)
        adopt_next_key(resolved.keys)
        chain = opened.keys
    click.echo(f"From batch {chain.transitions[-1].after + 1} on, this key signs:")
    click.echo(chain.current.text())


@log.command()
@_home_option
def keys(home: Path | None) -> None:
    """List the keys of the log, the first one first: give a stranger any of them."""
    with _plain_errors():
        chain = _open(home).keys
    starts = [1, *(one.after + 1 for one in chain.transitions)]
    for start, key in zip(starts, chain.keys, strict=True):
        click.echo(f"from batch {start}: {key.text()}")


@log.command()
@_home_option
def seal(home: Path | None) -> None:
    """Seal the single decisions that wait in the journal; a timer may call this."""
    with _plain_errors():
        _open(home)
        batch = open_log(resolve_home(home), writing=True).seal()
    click.echo(
        f"Batch {batch.number}: {batch.rows.num_rows} decisions" if batch else "Nothing waits."
    )


@log.command()
@click.argument("batch", type=int, required=False)
@_home_option
@click.option("--all", "every", is_flag=True, help="Replay every batch that has its inputs.")
@click.option("--show", default=20, show_default=True, help="Differences to print for a batch.")
def replay(batch: int | None, home: Path | None, every: bool, show: int) -> None:
    """Decide a batch again from its recorded inputs; exit 1 unless it gives the same leaves.

    Without BATCH the newest one that has its inputs. Decisions of erased persons can't be made
    again: they are counted, and the rest is compared.
    """
    with _plain_errors():
        opened = _open(home)
        recorded = [one.number for one in opened.batches() if one.inputs]
        wanted = [batch] if batch else recorded if every else recorded[-1:]
        if not wanted:
            raise click.ClickException("no batch has recorded inputs; see ASSENT_RECORD_INPUTS")
        outcomes = [_replayed(opened, number, resolve_home(home)) for number in wanted]
    for outcome in outcomes:
        for difference in outcome.differences[:show]:
            click.echo(difference)
        verdict = "the same leaves" if outcome.ok else "NOT the same leaves"
        click.echo(
            f"Batch {outcome.batch}: {verdict}: {outcome.identical} decisions identical, "
            f"{len(outcome.differences)} different, {outcome.erased} erased and not decided again"
        )
    sys.exit(0 if all(outcome.ok for outcome in outcomes) else 1)


def _replayed(opened: DecisionLog, number: int, home: Home) -> "Replay":
    """A batch of a run, or one of single decisions, decided again."""
    # Deciding again takes the rules' libraries; to verify or prove takes none of them.
    from activation.decisions import replay as replay_batch
    from activation.moment.replaying import replay_requests
    from orchestration.rules import rules_of

    recorded = opened.inputs(number)
    if recorded is not None and recorded.inputs.facts.get("format") == REQUESTS:
        return replay_requests(opened, number, lambda one: rules_of(home, one).release)
    return replay_batch(opened, number)


@log.command()
@_home_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per line.")
def checkpoints(home: Path | None, as_json: bool) -> None:
    """List the batches as their checkpoints state them, the oldest first."""
    with _plain_errors():
        headers = _open(home).batches()
    for header in headers:
        as_of, root = header.as_of.isoformat(), header.root.hex()
        fields = {
            "batch": header.number,
            "size": header.size,
            "as_of": as_of,
            "release": header.release,
            "sealed_at": header.sealed_at.isoformat(),
            "root": root,
        }
        click.echo(
            json.dumps(fields)
            if as_json
            else f"{header.number:6d}  {header.size:10d} rows  as of {as_of}  "
            f"release {header.release}  root {root[:16]}"
        )
