"""Replays the inputs of a day under two releases and compares what they decide."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pyarrow as pa
from sqlalchemy import Engine

from activation.decisions import current_approvals, decide, ensure_tables, record_release
from activation.release import Bundle, Release, ReleaseError, same_warehouse
from activation.release.decision_diff import compare, volume_notes
from activation.release.diff_of_day import diff_of_day as compare_day
from activation.release.diff_report import ReleaseDiff
from activation.release.halts import halted
from activation.release.registry import open_bundle, stored_releases
from activation.release.rule_diff import rule_changes
from activation.store import opened_store
from orchestration import reference
from orchestration.customer_build import build_customer
from orchestration.decision_log import open_log
from orchestration.environment import Home
from orchestration.release_keys import public_key
from orchestration.rules import Rules, rules_of
from orchestration.secret_keys import secret_key
from orchestration.warehouse import open_warehouse, world_beside

PSEUDONYM_KEY_FILE = "pseudonym.key"

# What a decision reads but its own history: that is cut off at the day that is replayed.
_READ = ("contexts", "consent")


@dataclass(frozen=True)
class Inputs:
    """The warehouse to replay: the time of its contexts, and the release that built them."""

    warehouse: Path
    as_of: datetime
    release: Release


def diff(home: Home, before_id: str, after_id: str, *, rebuild: bool = True) -> ReleaseDiff:
    """Decide about the warehouse's contexts under both releases, and compare.

    History is what was decided before the contexts' time; halts and approvals are today's for both
    sides. A release that builds other tables gets them built in a copy of the warehouse, unless
    `rebuild` is False. Nothing of the home is written but a key. Raises ReleaseError when a release
    is not what was signed, nothing was decided yet, or tables would have to be built.
    """
    with opened_store(home.store_url) as engine:
        with engine.connect() as store:
            key = public_key(home)
            before, after = open_bundle(store, before_id, key), open_bundle(store, after_id, key)
        inputs = _inputs(home, engine)
        if not rebuild:
            _require_same_tables(inputs, before, after)
        decided = [_decided(home, engine, inputs, one.release) for one in (before, after)]
    compared = compare(*decided, key=secret_key(home, PSEUDONYM_KEY_FILE))
    return ReleaseDiff(
        before=before_id,
        after=after_id,
        as_of=inputs.as_of,
        inputs="the contexts and permits in the warehouse",
        rules=tuple(rule_changes(before, after)),
        decisions=compared,
        notes=tuple(_notes(before, after, inputs, decided)),
    )


def diff_of_day(
    home: Home, before_id: str, after_id: str, *, since: datetime, until: datetime
) -> ReleaseDiff:
    """Decide about what the newest run of a time recorded, under both releases, and compare."""
    with opened_store(home.store_url) as engine, engine.connect() as store:
        key = public_key(home)
        bundles = [open_bundle(store, one, key) for one in (before_id, after_id)]
    log = open_log(home, writing=False)
    secret = secret_key(home, PSEUDONYM_KEY_FILE)
    return compare_day(log, *bundles, since=since, until=until, key=secret)


def _require_same_tables(inputs: Inputs, *bundles: Bundle) -> None:
    for bundle in bundles:
        if not same_warehouse(bundle.release, inputs.release):
            raise ReleaseError(
                f"release {bundle.release.id} builds other tables than those at hand. "
                "Fix: `assent release diff` builds them in a copy."
            )


def _inputs(home: Home, engine: Engine) -> Inputs:
    with engine.connect() as store:
        releases = {one.id: one for one in stored_releases(store)}
    with world_beside(home.warehouse) as world:
        try:
            (as_of,) = world.execute(
                "select recorded_at from warehouse.consent.con_watermark"
            ).fetchone() or (None,)
            (built_by,) = world.execute(
                "select release from warehouse.activation.decision_log "
                "order by batch desc, seq desc limit 1"
            ).fetchone() or (None,)
        except duckdb.CatalogException:
            as_of = built_by = None
    if as_of is None or built_by not in releases:
        raise ReleaseError("nothing was decided yet in this home. Fix: `assent run` first.")
    return Inputs(home.warehouse, as_of, releases[built_by])


def _decided(home: Home, engine: Engine, inputs: Inputs, release: Release) -> pa.Table:
    """What a release decides about the inputs; nothing of it is kept."""
    rules = rules_of(home, release.id)
    with engine.connect() as store:
        known, approvals, stopped = stored_releases(store), current_approvals(store), halted(store)
    with _tables_of(home, inputs, rules) as warehouse, world_beside(warehouse) as world:
        _prepare(world, known, inputs.as_of)
        return decide(
            world,
            journeys=rules.journeys(),
            release=release,
            as_of=inputs.as_of,
            approvals=approvals,
            halted=stopped,
        )


@contextmanager
def _tables_of(home: Home, inputs: Inputs, rules: Rules) -> Iterator[Path]:
    """The warehouse as the release would have built it: the one at hand, or a copy built anew."""
    if same_warehouse(rules.release, inputs.release):
        yield inputs.warehouse
        return
    with TemporaryDirectory(prefix="assent-replay-") as directory:
        aside = replace(home, path=Path(directory))
        shutil.copy2(inputs.warehouse, aside.warehouse)
        with open_warehouse(aside.warehouse) as connection:
            reference.write_rule_tables(connection, rules)
        results = build_customer(aside, as_of=inputs.as_of, project_dir=rules.dbt_project)
        failed = [one.unique_id for one in results if one.status in ("error", "fail")]
        if failed:
            raise ReleaseError(
                f"the tables of release {rules.release.id} can't be built from this landing zone, "
                f"or fail their tests: {', '.join(failed[:5])}. Fix: mend its models, or the tests "
                "that no longer say what they should hold, and build it again."
            )
        yield aside.warehouse


def _prepare(
    world: duckdb.DuckDBPyConnection, releases: tuple[Release, ...], as_of: datetime
) -> None:
    """Views on what a decision reads, and the log's copy as it was before the day."""
    for schema in _READ:
        world.execute(f"create schema {schema}")
    tables = world.execute(
        "select schema_name, table_name from duckdb_tables() "
        "where database_name = 'warehouse' and schema_name in ('contexts', 'consent') order by all"
    ).fetchall()
    for schema, table in tables:
        world.execute(f"create view {schema}.{table} as from warehouse.{schema}.{table}")
    ensure_tables(world)
    for release in releases:
        record_release(world, release)
    world.execute(
        "insert into activation.decision_log by name "
        "from warehouse.activation.decision_log where as_of < ?",
        [as_of],
    )


def _notes(before: Bundle, after: Bundle, inputs: Inputs, decided: list[pa.Table]) -> Iterator[str]:
    for bundle in (before, after):
        if not same_warehouse(bundle.release, inputs.release):
            yield (
                f"Release {bundle.release.id} builds other tables than those at hand: its contexts "
                "and permits were built in a copy, from rows that landing had accepted."
            )
    yield from volume_notes(decided)
