"""Decide, seal, and only then show: the log on disk is the truth, the warehouse follows it."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

import duckdb
import pyarrow as pa

from activation import journeys as journey_files
from activation.consent.regimes import REGIMES_FILE
from activation.decisions import (
    Release,
    append_decisions,
    current_approvals,
    decide,
    ensure_tables,
    materialise,
    record_inputs,
    record_release,
)
from activation.journeys import JourneySet
from activation.log import DecisionLog, load_or_create_key
from activation.release import build, register, stored_releases
from activation.store import open_store, transaction
from expectations import gate
from orchestration.environment import ACTIVATION_DIR, Home, RecordInputs
from orchestration.warehouse import open_warehouse

JOURNEYS_DIR = ACTIVATION_DIR / "journeys"
LOG_ORIGIN = "assent.example/decisions"


@dataclass(frozen=True)
class DecisionReport:
    """What one run decided: new rows, their outcomes, the batch that holds them, the log's size."""

    release: str
    new_rows: int
    outcomes: dict[str, int]
    batch: int | None
    logged: int


def open_log(home: Home, *, writing: bool) -> DecisionLog:
    """The home's decision log; with its signing key when it is to be written."""
    if not writing:
        return DecisionLog(home.decision_log)
    key = load_or_create_key(home.keys, origin=LOG_ORIGIN, entropy=os.urandom)
    return DecisionLog(home.decision_log, signing_key=key, copies=home.checkpoint_copies)


def current_rules() -> tuple[JourneySet, Release]:
    """The journeys on disk, checked, and the release that they and the regimes make."""
    journeys = journey_files.load(JOURNEYS_DIR)
    return journeys, build(journeys, REGIMES_FILE)


def decide_and_log(home: Home, as_of: datetime) -> DecisionReport:
    """Decide every candidate at `as_of`, seal the batch in the log, and rebuild what follows.

    A run killed after sealing finds its decisions in the log, decides nothing twice and goes on.
    Raises GateClosedError when the contracts before decisions did not pass.
    """
    journeys, release = current_rules()
    log = open_log(home, writing=True)
    engine = open_store(home.store_url)
    try:
        with open_warehouse(home.warehouse) as connection:
            gate.require_open(connection, "decisions", as_of)
            with transaction(engine) as store:
                register(store, release, activated_at=as_of, actor="assent run")
                releases, approvals = stored_releases(store), current_approvals(store)
            # What was decided at the moment of activation counts as history: caps hold over both.
            log.seal()
            _follow_log(connection, log, releases)
            rows = decide(
                connection,
                journeys=journeys,
                release=release,
                as_of=as_of,
                approvals=approvals,
            )
            inputs = None
            if home.record_inputs is not RecordInputs.NONE and rows.num_rows:
                inputs = record_inputs(
                    connection,
                    journeys=journeys,
                    release=release,
                    as_of=as_of,
                    approvals=approvals,
                    decided=rows,
                    whole=home.record_inputs is RecordInputs.POPULATION,
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
            materialise(connection, as_of=as_of)
    finally:
        engine.dispose()
    return DecisionReport(
        release=release.id,
        new_rows=rows.num_rows,
        outcomes=_counts(rows),
        batch=batch.number if batch else None,
        logged=log.size,
    )


def _follow_log(
    connection: duckdb.DuckDBPyConnection, log: DecisionLog, releases: Iterable[Release]
) -> None:
    """Bring the warehouse's copy up to the log: after a crash, or a deleted warehouse."""
    ensure_tables(connection)
    row = connection.execute(
        "select coalesce(max(batch), 0) from activation.decision_log"
    ).fetchone()
    copied = int(row[0]) if row else 0
    for release in releases:
        record_release(connection, release)
    for header in log.batches():
        if header.number > copied:
            append_decisions(connection, log.read(header.number))


def _counts(rows: pa.Table) -> dict[str, int]:
    counted = rows.group_by("outcome").aggregate([("outcome", "count")]).to_pylist()
    return {str(one["outcome"]): int(one["outcome_count"]) for one in counted}
