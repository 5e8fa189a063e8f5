"""What a run came to, read back from the tables and the store: the same numbers for people and
machines."""

from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
from sqlalchemy import make_url

from orchestration.environment import Home
from orchestration.warehouse import has_table, open_warehouse


@dataclass(frozen=True)
class LandingSummary:
    """Files and rows that runs at this as_of dealt with; `files_new` is of this run alone."""

    files_new: int = 0
    files_unchanged: int = 0
    files_loaded: int = 0
    files_repeated: int = 0
    files_failed: int = 0
    files_unknown: int = 0
    rows_in: int = 0
    rows_accepted: int = 0
    rows_quarantined: int = 0
    rows_expired: int = 0
    rows_erased: int = 0
    quarantine_by_reason: dict[str, int] = field(default_factory=dict)
    messages: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class RunSummary:
    """One run, in the order of the data's path. Counts are rows; seconds are wall time.

    `rules_differ` lists the project's files that the release decided by otherwise.
    """

    as_of: datetime
    succeeded: bool
    problems: list[str]
    landing: LandingSummary = field(default_factory=LandingSummary)
    records: int = 0
    persons: int = 0
    links: int = 0
    permits: dict[str, int] = field(default_factory=dict)
    denials_by_reason: dict[str, int] = field(default_factory=dict)
    release: str | None = None
    canary: str | None = None
    halted: list[str] = field(default_factory=list)
    bundles_refused: list[str] = field(default_factory=list)
    rules_differ: list[str] = field(default_factory=list)
    decisions_new: int = 0
    decisions_logged: int = 0
    candidates_by_node: dict[str, dict[str, dict[str, int]]] = field(default_factory=dict)
    audiences: dict[str, int] = field(default_factory=dict)
    syncs: dict[str, dict[str, Any]] = field(default_factory=dict)
    example_decision: str | None = None
    seconds_by_stage: dict[str, float] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """The summary as plain values, for JSON."""
        return asdict(self)


def summarise(
    home: Home,
    as_of: datetime,
    seconds_by_stage: dict[str, float],
    problems: list[str],
    reports: dict[str, dict[str, dict[str, Any]]],
) -> RunSummary:
    """Count what the run at `as_of` did. Tables that a failed run never reached count nothing."""
    decided = reports.get("decisions", {}).get("new", {})
    with open_warehouse(home.warehouse) as connection:
        return RunSummary(
            as_of=as_of,
            succeeded=not problems,
            problems=problems,
            landing=_landing(connection, as_of, reports.get("landing", {}).get("files", {})),
            records=_count(connection, "identity", "id_records"),
            persons=_count(connection, "identity", "id_persons"),
            links=_count(connection, "identity", "id_links"),
            permits=_permits(connection),
            denials_by_reason=_denials(connection),
            release=decided.get("release"),
            canary=decided.get("canary"),
            halted=list(decided.get("halted", [])),
            bundles_refused=list(decided.get("refused", [])),
            rules_differ=list(decided.get("differing", [])),
            decisions_new=int(decided.get("rows", 0)),
            decisions_logged=_count(connection, "activation", "decision_log"),
            candidates_by_node=_candidates(connection, as_of),
            audiences=_audiences(connection),
            syncs=reports.get("sync", {}),
            example_decision=_example(connection, as_of),
            seconds_by_stage={name: round(one, 2) for name, one in seconds_by_stage.items()},
            places=_places(home),
        )


def _count(connection: duckdb.DuckDBPyConnection, schema: str, table: str) -> int:
    if not has_table(connection, schema, table):
        return 0
    row = connection.execute(f"select count(*) from {schema}.{table}").fetchone()
    return int(row[0]) if row else 0


def _landing(
    connection: duckdb.DuckDBPyConnection, as_of: datetime, files: dict[str, Any]
) -> LandingSummary:
    if not has_table(connection, "landing", "load_audit"):
        return LandingSummary()
    statuses = dict(
        connection.execute(
            "select status, count(*) from landing.load_audit where loaded_at = ? group by status",
            [as_of],
        ).fetchall()
    )
    rows = connection.execute(
        """
        select
            coalesce(sum(rows_in), 0), coalesce(sum(rows_accepted), 0),
            coalesce(sum(rows_quarantined), 0), coalesce(sum(rows_expired), 0),
            coalesce(sum(rows_erased), 0)
        from landing.load_audit where loaded_at = ?
        """,
        [as_of],
    ).fetchone() or (0, 0, 0, 0, 0)
    messages = connection.execute(
        """
        select message from landing.load_audit
        where loaded_at = ? and message is not null and status in ('failed', 'unknown_entity')
        order by file
        """,
        [as_of],
    ).fetchall()
    return LandingSummary(
        files_new=int(files.get("new", 0)),
        files_unchanged=int(files.get("unchanged", 0)),
        files_loaded=statuses.get("loaded", 0),
        files_repeated=statuses.get("repeated", 0),
        files_failed=statuses.get("failed", 0),
        files_unknown=statuses.get("unknown_entity", 0),
        rows_in=int(rows[0]),
        rows_accepted=int(rows[1]),
        rows_quarantined=int(rows[2]),
        rows_expired=int(rows[3]),
        rows_erased=int(rows[4]),
        quarantine_by_reason=_counts(
            connection,
            "select reason, count(*) from landing.quarantine where loaded_at = ? group by reason",
            [as_of],
        ),
        messages=[message for (message,) in messages],
    )


def _permits(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    if not has_table(connection, "consent", "con_permits"):
        return {}
    return _counts(
        connection, "select verdict, count(*) from consent.con_permits group by verdict", []
    )


def _denials(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    if not has_table(connection, "consent", "con_permits"):
        return {}
    return _counts(
        connection,
        "select reason, count(*) from consent.con_permits where verdict = 'deny' group by reason",
        [],
    )


def _candidates(
    connection: duckdb.DuckDBPyConnection, as_of: datetime
) -> dict[str, dict[str, dict[str, int]]]:
    """node -> outcome -> reason -> how many of this run's candidates."""
    if not has_table(connection, "activation", "decision_log"):
        return {}
    rows = connection.execute(
        """
        select node, outcome, reason, count(*) from activation.decision_log
        where as_of = ? group by all order by node, outcome, count(*) desc, reason
        """,
        [as_of],
    ).fetchall()
    by_node: dict[str, dict[str, dict[str, int]]] = {}
    for node, outcome, reason, count in rows:
        by_node.setdefault(node, {}).setdefault(outcome, {})[reason] = count
    return by_node


def _example(connection: duckdb.DuckDBPyConnection, as_of: datetime) -> str | None:
    """A decision of this run to ask about: the first that acts, or else the first."""
    if not has_table(connection, "activation", "decision_log"):
        return None
    row = connection.execute(
        """
        select decision_id from activation.decision_log where as_of = ?
        order by outcome <> 'act', decision_id limit 1
        """,
        [as_of],
    ).fetchone()
    return None if row is None else str(row[0])


def _audiences(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    if not has_table(connection, "activation", "audience"):
        return {}
    return _counts(
        connection, "select audience, count(*) from activation.audience group by audience", []
    )


def _counts(
    connection: duckdb.DuckDBPyConnection, query: str, parameters: list[Any]
) -> dict[str, int]:
    rows = connection.execute(f"{query} order by 2 desc, 1", parameters).fetchall()
    return {str(name): int(count) for name, count in rows}


def _places(home: Home) -> dict[str, str]:
    return {
        "landing zone": _shown(home.landing),
        "warehouse": _shown(home.warehouse),
        "decision log": _shown(home.decision_log),
        "outbox": _shown(home.outbox),
        "operational store": _store(home.store_url),
    }


def _store(url: str) -> str:
    """Where the store is, never with its password."""
    store = make_url(url)
    if store.get_backend_name() == "sqlite":
        return _shown(Path(str(store.database)))
    return store.render_as_string(hide_password=True)


def _shown(path: Path) -> str:
    """The path as a person in the working directory would write it."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
