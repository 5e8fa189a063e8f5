"""Decide, seal, and only then show: the log on disk is the truth, the warehouse follows it."""

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from datetime import UTC, datetime

import duckdb
import pyarrow as pa

from activation.decisions import (
    Release,
    append_decisions,
    current_approvals,
    decide,
    ensure_tables,
    materialise,
    record_inputs,
    record_release,
    replace_successors,
)
from activation.journeys import JourneySet
from activation.log import Batch, DecisionLog
from activation.release import halts, stored_releases
from activation.release.slices import Slice, deciding_sql, slices_of
from activation.store import opened_store
from activation.store.identity import successors
from expectations import gate
from orchestration.bundles import bundles_of
from orchestration.decision_log import open_log
from orchestration.environment import Home, RecordInputs
from orchestration.rules import Rules, rules_of
from orchestration.warehouse import open_warehouse


@dataclass(frozen=True)
class DecisionReport:
    """What one run decided: new rows, their outcomes, the batches that hold them, the log's size.

    `canary` says which release a share of the persons decided under, if any did; `refused` why
    nodes did not get their context bundle, and so decided nothing.
    """

    release: str
    canary: str | None
    halted: list[str]
    new_rows: int
    outcomes: dict[str, int]
    batches: list[int]
    logged: int
    refused: list[str]


def decide_and_log(home: Home, as_of: datetime, rules: Rules) -> DecisionReport:
    """Decide every candidate at `as_of`, seal the batches in the log, and rebuild what follows.

    Everybody decides under `rules`, but for the persons of a canary, who decide under its release.
    A run killed after sealing finds its decisions in the log, decides nothing twice and goes on.
    Raises GateClosedError when the contracts before decisions did not pass, ReleaseError when the
    canary's release is not what was signed.
    """
    log = open_log(home, writing=True)
    with opened_store(home.store_url) as engine:
        with engine.connect() as store:
            releases, approvals = stored_releases(store), current_approvals(store)
            halted, slices = halts.halted(store), slices_of(store, rules.release.id)
            merged = successors(store)
        deciding = [
            (part, rules_of(home, part.release_id) if part.is_canary else rules) for part in slices
        ]
        bundles = [bundles_of(home, engine, each, as_of) for _, each in deciding]
        with open_warehouse(home.warehouse) as connection:
            gate.require_open(connection, "decisions", as_of)
            replace_successors(connection, merged)
            # What was decided at the moment of activation counts as history: caps hold over both.
            log.seal()
            _follow_log(connection, log, releases)
            decided = [
                _decide_slice(
                    connection,
                    log,
                    part,
                    each.release,
                    given.journeys,
                    as_of=as_of,
                    approvals=approvals,
                    halted=halted,
                    recorded=home.record_inputs,
                )
                for (part, each), given in zip(deciding, bundles, strict=True)
            ]
            materialise(connection, as_of=as_of, deciding=deciding_sql(slices, "l.person_id"))
    every = pa.concat_tables([rows for rows, _ in decided])
    return DecisionReport(
        release=rules.release.id,
        canary=_canary_report(slices),
        halted=sorted(halted),
        new_rows=every.num_rows,
        outcomes=_counts(every),
        batches=[batch.number for _, batch in decided if batch],
        logged=log.size,
        refused=sorted({str(one) for given in bundles for one in given.refusals}),
    )


def _decide_slice(
    connection: duckdb.DuckDBPyConnection,
    log: DecisionLog,
    part: Slice,
    release: Release,
    journeys: JourneySet,
    *,
    as_of: datetime,
    approvals: pa.Table,
    halted: Set[str],
    recorded: RecordInputs,
) -> tuple[pa.Table, Batch | None]:
    """Decide for one slice of the persons and seal it: its rows, and the batch that holds them."""
    everybody = decide(
        connection,
        journeys=journeys,
        release=release,
        as_of=as_of,
        approvals=approvals,
        halted=halted,
    )
    rows = part.of(connection, everybody)
    inputs = None
    if recorded is not RecordInputs.NONE and rows.num_rows:
        inputs = record_inputs(
            connection,
            journeys=journeys,
            release=release,
            as_of=as_of,
            approvals=approvals,
            decided=everybody,
            halted=halted,
            whole=recorded is RecordInputs.POPULATION,
        )
    batch = log.append(
        rows,
        as_of=as_of,
        release=release.id,
        sealed_at=datetime.now(UTC),
        inputs=inputs,
    )
    if batch is not None:
        append_decisions(connection, batch.rows)
    return rows, batch


def _follow_log(
    connection: duckdb.DuckDBPyConnection, log: DecisionLog, releases: Iterable[Release]
) -> None:
    """Bring the warehouse's copy up to the log: after a crash, or a deleted warehouse."""
    ensure_tables(connection)
    # Not those above the highest: a batch that took streamed decisions in comes before its own.
    found = connection.execute("select distinct batch from activation.decision_log").fetchall()
    copied = {batch for (batch,) in found}
    for release in releases:
        record_release(connection, release)
    for header in log.batches():
        if header.number not in copied:
            append_decisions(connection, log.read(header.number))


def _counts(rows: pa.Table) -> dict[str, int]:
    counted = rows.group_by("outcome").aggregate([("outcome", "count")]).to_pylist()
    return {str(one["outcome"]): int(one["outcome_count"]) for one in counted}


def _canary_report(slices: Sequence[Slice]) -> str | None:
    shares = [f"{one.release_id} at {one.percent} %" for one in slices if one.is_canary]
    return shares[0] if shares else None
