"""Landing's consent enters the ledger, and copies of the store enter the warehouse for dbt."""

from dataclasses import dataclass
from datetime import datetime

import duckdb
from sqlalchemy import Engine, func, select

from activation.consent.landing_import import ImportReport, import_from_warehouse
from activation.consent.vocabulary import RESTRICTIVE_ACTIONS
from activation.privacy.keyed import Keyed
from activation.privacy.suppression import Suppressed
from activation.privacy.suppression import read as read_suppressed
from activation.store import opened_store, publish
from activation.store.hash_key import HashKey
from activation.store.tables import consent_event
from orchestration.environment import Home
from orchestration.secret_keys import ERASURE_KEY_FILE, identity_hash_key, secret_key
from orchestration.warehouse import replace_table


@dataclass(frozen=True)
class LedgerCopy:
    """What the import did, and the last seq that the copy in the warehouse knows."""

    imported: ImportReport
    watermark: int


def import_and_publish(
    connection: duckdb.DuckDBPyConnection, home: Home, as_of: datetime
) -> LedgerCopy:
    """Record what landed, then replace the warehouse's copies of the ledger and the id map.

    Raises OverrideError, with the copies as they were, where an override's value was hashed with
    another key than the home's.
    """
    with opened_store(home.store_url) as engine:
        imported = import_from_warehouse(connection, engine, recorded_at=as_of)
        return LedgerCopy(imported, _publish(connection, engine, identity_hash_key(home), as_of))


def republish(connection: duckdb.DuckDBPyConnection, home: Home, as_of: datetime) -> None:
    """Replace the warehouse's copies by the store as it is, without recording what landed."""
    with opened_store(home.store_url) as engine:
        _publish(connection, engine, identity_hash_key(home), as_of)


def _publish(
    connection: duckdb.DuckDBPyConnection, engine: Engine, key: HashKey, as_of: datetime
) -> int:
    with engine.connect() as store:
        # The watermark first: the copy may hold more than it says, never less.
        watermark = publish.consent_watermark(store, recorded_at=as_of)
        copies = {
            "consent_watermark": watermark,
            "consent_event": publish.consent_events(store),
            "identity_map": publish.identity_maps(store),
            "identity_change": publish.identity_changes(store),
            "identity_override": publish.identity_overrides(store, key),
            "hash_key": publish.hash_key(key),
        }
    for table, rows in copies.items():
        replace_table(connection, "store", table, rows)
    return int(watermark["seq"][0].as_py())


def suppressed(home: Home) -> Suppressed:
    """The erased persons' identifiers, as keyed hashes: what may not be loaded any more."""
    with opened_store(home.store_url) as engine, engine.connect() as store:
        return read_suppressed(store, Keyed(secret_key(home, ERASURE_KEY_FILE)))


def newest_restriction(store_url: str) -> int:
    """The seq of the ledger's newest restricting event; 0 when there is none."""
    with opened_store(store_url) as engine, engine.connect() as store:
        newest: int | None = store.execute(
            select(func.max(consent_event.c.seq)).where(
                consent_event.c.action.in_(RESTRICTIVE_ACTIONS)
            )
        ).scalar_one()
    return int(newest or 0)
