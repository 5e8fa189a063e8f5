"""Two releases compared on the inputs that a past run recorded, as the run had them.

The warehouse has moved on since, and the log keeps what was read: the contexts, permits, address
books and approvals of that instant, and which batches were history.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import pyarrow as pa

from activation.decisions import DecisionError, decide
from activation.decisions.replaying import APPROVALS, journeys_of, recorded_world
from activation.log import BatchHeader, DecisionLog, Inputs
from activation.release.bundle import same_warehouse
from activation.release.decision_diff import compare, volume_notes
from activation.release.diff_report import ReleaseDiff
from activation.release.errors import ReleaseError
from activation.release.release import Bundle, Release
from activation.release.rule_diff import rule_changes


def diff_of_day(
    log: DecisionLog, before: Bundle, after: Bundle, *, since: datetime, until: datetime, key: bytes
) -> ReleaseDiff:
    """Decide about the newest recorded run from `since` to `until` under both releases.

    Halts and refused bundles are those of that run for both sides. `key` makes the pseudonyms.
    Raises ReleaseError when no run of that time has its inputs, or a release needs others.
    """
    header = _run(log, since, until)
    recorded = log.inputs(header.number)
    if recorded is None:
        raise ReleaseError(
            f"the inputs of batch {header.number} have expired. Fix: choose a later day."
        )
    facts = recorded.inputs.facts
    ran = Release(facts["release"], facts["digest"], facts["manifest"])
    decided = [_decided(log, recorded.inputs, ran, one.release) for one in (before, after)]
    return ReleaseDiff(
        before=before.release.id,
        after=after.release.id,
        as_of=header.as_of,
        inputs=f"those that the run under {ran.id} recorded with batch {header.number} of the log",
        rules=tuple(rule_changes(before, after)),
        decisions=compare(*decided, key=key),
        notes=tuple(_notes(facts, recorded.erased, decided)),
    )


def _run(log: DecisionLog, since: datetime, until: datetime) -> BatchHeader:
    recorded = [one for one in log.batches() if one.inputs]
    wanted = [one for one in recorded if since <= one.as_of <= until]
    if wanted:
        return max(wanted, key=lambda one: (one.as_of, one.number))
    times = sorted({one.as_of for one in recorded})
    there = ", ".join(f"{one:%Y-%m-%d %H:%M}" for one in times[-3:]) or "none"
    raise ReleaseError(
        f"no run between {since:%Y-%m-%d %H:%M} and {until:%Y-%m-%d %H:%M} UTC has recorded "
        f"inputs. Fix: choose one that has (the newest: {there}), or leave --day out."
    )


def _decided(log: DecisionLog, inputs: Inputs, ran: Release, release: Release) -> pa.Table:
    """What a release decides about the inputs; nothing of it is kept."""
    if not same_warehouse(release, ran):
        raise ReleaseError(
            f"release {release.id} builds other tables than {ran.id}, whose run was recorded. "
            "Fix: leave --day out; its tables are then built in a copy of the warehouse."
        )
    facts = inputs.facts
    try:
        with recorded_world(log, inputs) as world:
            return decide(
                world,
                journeys=journeys_of(release.manifest, facts["halted"], facts.get("refused", ())),
                release=release,
                as_of=datetime.fromisoformat(facts["as_of"]),
                approvals=inputs.tables[APPROVALS],
            )
    except DecisionError as error:
        missing = str(error).partition(" Fix:")[0]
        raise ReleaseError(
            f"release {release.id} reads what the run under {ran.id} did not record: {missing} "
            "Fix: leave --day out, to compare on the warehouse as it is."
        ) from None


def _notes(facts: Mapping[str, Any], erased: int, decided: list[pa.Table]) -> Iterator[str]:
    if not facts["whole"]:
        yield (
            f"Only candidates of release {facts['release']} were recorded: who is a candidate "
            "under another release alone is missing here. Runs with ASSENT_RECORD_INPUTS=population"
            " record everybody."
        )
    if facts["halted"]:
        yield f"Halted in that run, and so here: {', '.join(facts['halted'])}."
    if erased:
        yield f"{erased:,} recorded rows are of persons who were erased since; they are left out."
    yield from volume_notes(decided)
