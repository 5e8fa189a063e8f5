"""One run of retention over a home: what is over-age goes, everywhere, and a report says what."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

import duckdb
from sqlalchemy import Connection, insert

from activation.privacy.settings import PrivacySettings, read_settings
from activation.privacy.store_retention import expire_store
from activation.store import opened_store, transaction
from activation.store.tables import retention_run
from expectations.policy.graph import PolicyGraph, Relation
from expectations.policy.retention import rule_of
from orchestration import environment
from orchestration.decision_log import open_log
from orchestration.environment import Home
from orchestration.landing.contract import read_contracts
from orchestration.landing.expiry import Expired, purge_landing
from orchestration.landing.labels import landing_relations
from orchestration.landing.tables import create_tables, expire_quarantine
from orchestration.policy_graph import policy_graph
from orchestration.privacy.ages import AgeCheck, check_ages
from orchestration.privacy.compaction import compact_store, compact_warehouse
from orchestration.privacy.derived import forget_unused_numbers, rebuild
from orchestration.rules import active_dbt_project
from orchestration.warehouse import has_table, open_warehouse

STAGING = environment.DBT_PROJECT_DIR / "models" / "staging"


@dataclass(frozen=True)
class RetentionReport:
    """What one run removed, or would remove, and what a look through the warehouse found after it
    (None: a dry run, or no warehouse)."""

    as_of: datetime
    dry_run: bool
    removed: tuple[Expired, ...]
    after: AgeCheck | None

    @property
    def total(self) -> int:
        return sum(one.count for one in self.removed)

    def as_dict(self) -> dict[str, object]:
        """For JSON; names and counts alone."""
        return {
            "as_of": self.as_of.isoformat(),
            "dry_run": self.dry_run,
            "removed": [asdict(one) for one in self.removed if one.count],
            "after": None if self.after is None else self.after.as_dict(),
        }


def run_retention(
    home: Home,
    as_of: datetime,
    *,
    dry_run: bool = False,
    settings: PrivacySettings | None = None,
) -> RetentionReport:
    """Remove what is over-age at `as_of` from landing tables, quarantine, store and log openings,
    rebuild what is derived, and count what is still over-age.

    Raises DbtError, after the removal, where the project does not compile: then nothing derived can
    be judged. A dry run changes nothing. A run that is killed is completed by the next one: each
    part commits by itself and looks again at what is there.
    """
    settings = settings or read_settings()
    relations = landing_relations(STAGING)
    removed: list[Expired] = []
    if home.warehouse.exists():
        with open_warehouse(home.warehouse) as connection:
            removed += _from_warehouse(connection, relations, as_of, dry_run)
    removed += _from_store(home, settings, as_of, dry_run)
    removed += _from_log(home, settings, as_of, dry_run)
    left = None
    if not dry_run:
        left = _follow(home, as_of, any(one.count for one in removed))
    report = RetentionReport(as_of, dry_run, tuple(removed), left)
    if not dry_run:
        _record(home, report)
    return report


def _from_warehouse(
    connection: duckdb.DuckDBPyConnection,
    relations: Mapping[str, Relation],
    as_of: datetime,
    dry_run: bool,
) -> list[Expired]:
    removed = []
    connection.begin()
    create_tables(connection, read_contracts(STAGING))
    for table, relation in relations.items():
        rule = rule_of(relation)
        if rule is not None and has_table(connection, "landing", table):
            removed += purge_landing(connection, rule, table, as_of)
    if has_table(connection, "landing", "quarantine"):
        days, count = expire_quarantine(connection, as_of)
        removed.append(Expired("landing.quarantine", None, days, count))
    connection.rollback() if dry_run else connection.commit()
    return removed


def _from_store(
    home: Home, settings: PrivacySettings, as_of: datetime, dry_run: bool
) -> list[Expired]:
    periods = {"consent_event": settings.consent_proof.days}
    with opened_store(home.store_url) as engine, transaction(engine) as store:
        gone = expire_store(store, settings, as_of)
        if dry_run:
            store.get_transaction().rollback()  # type: ignore[union-attr]
    return [
        Expired(f"store.{table}", None, periods.get(table, settings.sync_records.days), count)
        for table, count in gone.items()
    ]


def _from_log(
    home: Home, settings: PrivacySettings, as_of: datetime, dry_run: bool
) -> list[Expired]:
    if not (home.decision_log / "checkpoints").is_dir():
        return []
    days = settings.decision_log_openings.days
    before = as_of - timedelta(days=days)
    log = open_log(home, writing=not dry_run)
    count = log.expirable(before) if dry_run else log.expire(before)
    return [Expired("decision_log.openings", None, days, count)]


def _follow(home: Home, as_of: datetime, something_went: bool) -> AgeCheck | None:
    """Bring what is derived after what was removed, and look for what is over-age still."""
    if not home.warehouse.exists():
        return None
    graph = policy_graph(home, active_dbt_project(home), as_of.date())
    if not something_went:
        found = _ages(home, graph, as_of)
        # A run that was killed before it rebuilt leaves derived rows that this one must take.
        if not found.over_age:
            return found
    _rebuild(home, as_of)
    return _ages(home, graph, as_of)


def _ages(home: Home, graph: PolicyGraph, as_of: datetime) -> AgeCheck:
    with open_warehouse(home.warehouse) as connection:
        return check_ages(connection, graph, as_of)


def _rebuild(home: Home, as_of: datetime) -> None:
    with open_warehouse(home.warehouse) as connection:
        forget_unused_numbers(connection)
    rebuild(home, as_of)
    compact_warehouse(home.warehouse)
    with opened_store(home.store_url) as engine:
        compact_store(engine)


def _record(home: Home, report: RetentionReport) -> None:
    with opened_store(home.store_url) as engine, transaction(engine) as store:
        _insert(store, report)


def _insert(store: Connection, report: RetentionReport) -> None:
    text = json.dumps(report.as_dict())
    store.execute(insert(retention_run).values(as_of=report.as_of, report=text))
