"""One run of retention over a home: what is over-age goes, everywhere, and a report says what."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

import duckdb
from sqlalchemy import Connection, insert

from activation.privacy.settings import PrivacySettings, read_settings
from activation.privacy.store_retention import expire_store
from activation.store import open_store, transaction
from activation.store.tables import retention_run
from expectations.policy.graph import Relation
from expectations.policy.retention import rule_of
from orchestration import environment
from orchestration.decision_step import open_log
from orchestration.environment import Home
from orchestration.landing.contract import read_contracts
from orchestration.landing.expiry import Expired, purge_landing
from orchestration.landing.labels import landing_relations
from orchestration.landing.tables import create_tables, expire_quarantine
from orchestration.privacy.compaction import compact_store, compact_warehouse
from orchestration.privacy.derived import forget_unused_numbers, over_age_cells, rebuild
from orchestration.warehouse import has_table, open_warehouse

STAGING = environment.DBT_PROJECT_DIR / "models" / "staging"


@dataclass(frozen=True)
class RetentionReport:
    """What one run removed, or would remove; cells still over-age after it, by relation (None: a
    dry run looks at nothing afterwards)."""

    as_of: datetime
    dry_run: bool
    removed: tuple[Expired, ...]
    over_age_after: Mapping[str, int] | None

    @property
    def total(self) -> int:
        return sum(one.count for one in self.removed)

    def as_dict(self) -> dict[str, object]:
        """For JSON; counts alone."""
        return {
            "as_of": self.as_of.isoformat(),
            "dry_run": self.dry_run,
            "removed": [asdict(one) for one in self.removed if one.count],
            "over_age_after": None if self.over_age_after is None else dict(self.over_age_after),
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

    A dry run changes nothing. A run that is killed is completed by the next one: each part commits
    by itself and looks again at what is there.
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
        left = _follow(home, relations, as_of, any(one.count for one in removed))
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
    engine = open_store(home.store_url)
    periods = {"consent_event": settings.consent_proof.days}
    try:
        with transaction(engine) as store:
            gone = expire_store(store, settings, as_of)
            if dry_run:
                store.get_transaction().rollback()  # type: ignore[union-attr]
    finally:
        engine.dispose()
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


def _follow(
    home: Home, relations: Mapping[str, Relation], as_of: datetime, something_went: bool
) -> Mapping[str, int] | None:
    """Bring what is derived after what was removed, and look for what is over-age still."""
    if not home.warehouse.exists():
        return None
    if something_went:
        with open_warehouse(home.warehouse) as connection:
            forget_unused_numbers(connection)
        rebuild(home, as_of)
        compact_warehouse(home.warehouse)
        engine = open_store(home.store_url)
        compact_store(engine)
        engine.dispose()
    with open_warehouse(home.warehouse) as connection:
        rules = [rule for one in relations.values() if (rule := rule_of(one))]
        return over_age_cells(connection, rules, as_of)


def _record(home: Home, report: RetentionReport) -> None:
    engine = open_store(home.store_url)
    try:
        with transaction(engine) as store:
            _insert(store, report)
    finally:
        engine.dispose()


def _insert(store: Connection, report: RetentionReport) -> None:
    text = json.dumps(report.as_dict())
    store.execute(insert(retention_run).values(as_of=report.as_of, report=text))
