"""Opening, migrating and guarding the operational store."""

import sqlite3
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, Engine, insert, inspect, select, text
from sqlalchemy.exc import DBAPIError

from activation.store import StoreError, open_store, transaction
from activation.store.append_only import APPEND_ONLY_TABLES
from activation.store.metadata import metadata
from activation.store.tables import approval, ledger_head, release

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def test_the_migrations_make_exactly_the_tables_that_are_defined(store: Engine) -> None:
    with store.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"version_table": "schema_version", "compare_type": True}
        )
        differences = compare_metadata(context, metadata)
    assert differences == [], "run `python -m activation.store.revise` and read what it writes"


def test_the_migrations_make_every_check_and_foreign_key(store: Engine) -> None:
    inspector = inspect(store)
    for table in metadata.tables.values():
        defined = {c.name for c in table.constraints if c.name and str(c.name).startswith("ck_")}
        made = {str(check["name"]) for check in inspector.get_check_constraints(table.name)}
        assert made >= {str(name) for name in defined}
        foreign = {c.name for c in table.foreign_key_constraints}
        assert {key["name"] for key in inspector.get_foreign_keys(table.name)} == foreign


def test_opening_again_keeps_what_is_there(store_url: str) -> None:
    first = open_store(store_url)
    with transaction(first) as connection:
        connection.execute(
            insert(release).values(id="r_1", digest="d", manifest={}, created_at=NOON)
        )
    first.dispose()
    second = open_store(store_url)
    with second.connect() as connection:
        assert connection.execute(select(release.c.id)).scalars().all() == ["r_1"]
        assert connection.execute(select(ledger_head.c.seq)).scalars().all() == [0]
    second.dispose()


def test_many_processes_may_open_a_fresh_store_at_once(store_url: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        engines = list(pool.map(open_store, [store_url] * 4))
    with engines[0].connect() as connection:
        assert connection.execute(select(ledger_head.c.id)).scalars().all() == [1]
    for engine in engines:
        engine.dispose()


@pytest.mark.parametrize("table", APPEND_ONLY_TABLES)
def test_an_append_only_table_refuses_to_change(store: Engine, table: str) -> None:
    with transaction(store) as connection:
        _insert_one(connection, table)
    column = metadata.tables[table].c.keys()[1]
    statements = [f"update {table} set {column} = {column}", f"delete from {table}"]
    if store.dialect.name == "postgresql":
        statements.append(f"truncate {table} cascade")
    for statement in statements:
        with pytest.raises(DBAPIError, match="append-only"), transaction(store) as connection:
            connection.execute(text(statement))
    with store.connect() as connection:
        assert connection.execute(text(f"select count(*) from {table}")).scalar_one() == 1


def test_a_row_cannot_be_replaced_on_sqlite_either(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'assent.sqlite'}")
    with transaction(store) as connection:
        _insert_one(connection, "approval")
    replace = (
        "insert or replace into approval select seq, node, subject_id, person_id,"
        " 'refused', actor, at from approval"
    )
    with pytest.raises(DBAPIError, match="append-only"), transaction(store) as connection:
        connection.execute(text(replace))
    store.dispose()


def test_a_failed_transaction_leaves_nothing(store: Engine) -> None:
    with pytest.raises(ZeroDivisionError), transaction(store) as connection:
        _insert_one(connection, "approval").append(str(1 / 0))
    with store.connect() as connection:
        assert connection.execute(select(approval)).all() == []


def test_instants_come_back_as_they_went_in_whatever_their_zone(store: Engine) -> None:
    there = datetime(2026, 11, 20, 7, 30, 0, 5, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    with transaction(store) as connection:
        connection.execute(
            insert(release).values(id="r", digest="d", manifest={}, created_at=there)
        )
    with store.connect() as connection:
        back = connection.execute(select(release.c.created_at)).scalar_one()
        later = select(release.c.id).where(release.c.created_at > there - timedelta(microseconds=1))
        assert connection.execute(later).scalar_one() == "r"
    assert back == there
    assert back.tzinfo is UTC


def test_an_instant_without_a_zone_is_refused(store: Engine) -> None:
    naive = datetime(2026, 11, 20)  # noqa: DTZ001
    with pytest.raises(Exception, match="time zone"), transaction(store) as connection:
        connection.execute(
            insert(release).values(id="r", digest="d", manifest={}, created_at=naive)
        )


def test_the_sqlite_file_is_durable_and_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "home" / "assent.sqlite"
    store = open_store(f"sqlite:///{path}")
    with store.connect() as connection:
        settings = {
            name: connection.exec_driver_sql(f"pragma {name}").scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    store.dispose()
    assert settings == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "busy_timeout": 30000,
    }
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_reader_does_not_wait_for_a_writer(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'assent.sqlite'}")
    with transaction(store) as writing, store.connect() as reading:
        _insert_one(writing, "approval")
        assert reading.execute(select(approval)).all() == []
    store.dispose()


@pytest.mark.parametrize(
    "url",
    [
        "mysql://root:hunter2@localhost/x",
        "not a url",
        "sqlite://",
        "sqlite:///:memory:",
    ],
)
def test_a_url_that_is_no_store_is_refused_with_the_fix(url: str) -> None:
    with pytest.raises(StoreError, match="sqlite:///") as failure:
        open_store(url)
    assert "hunter2" not in str(failure.value)


def test_an_unreachable_server_is_named_without_its_password() -> None:
    with pytest.raises(StoreError, match="cannot open the store") as failure:
        open_store("postgresql://assent:hunter2@127.0.0.1:1/assent?connect_timeout=1")
    assert "hunter2" not in str(failure.value)
    assert failure.value.__cause__ is None


def test_a_store_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'assent.sqlite'}"
    open_store(url).dispose()
    with sqlite3.connect(tmp_path / "assent.sqlite") as connection:
        connection.execute("update schema_version set version_num = '9999'")
    connection.close()
    with pytest.raises(StoreError, match="newer version"):
        open_store(url)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "assent.sqlite"
    path.write_text("this is not a database, but long enough to look at " * 20)
    with pytest.raises(StoreError, match="cannot open the store"):
        open_store(f"sqlite:///{path}")


_RELEASE = (
    "insert into release (id, digest, manifest, created_at) values"
    " ('r', 'd', '{}', '2026-11-20T12:00:00.000000+00:00')"
)
_POINTER = (
    "insert into release_pointer (release_id, activated_at, actor) values"
    " ('r', '2026-11-20T12:00:00.000000+00:00', 'a')"
)


def _insert_one(connection: Connection, table: str) -> list[str]:
    rows: dict[str, list[str]] = {
        "approval": [
            "insert into approval (node, subject_id, person_id, verdict, actor, at) values"
            " ('n', 's', 'p', 'granted', 'a', '2026-11-20T12:00:00.000000+00:00')"
        ],
        "bundle_refusal": [
            "insert into bundle_refusal (as_of, release_id, node, context, field, rule, reason)"
            " values ('2026-11-20T12:00:00.000000+00:00', 'r', 'n', 'c', 'f', 'purpose', 'why')"
        ],
        "release_pointer": [_RELEASE, _POINTER],
        "release": [_RELEASE],
        "release_file": ["insert into release_file (digest, content) values ('d', 'c')"],
        "release_signature": [
            _RELEASE,
            "insert into release_signature (release_id, note, actor, at) values"
            " ('r', 'n', 'a', '2026-11-20T12:00:00.000000+00:00')",
        ],
        "release_review": [
            _RELEASE,
            "insert into release_review (release_id, actor, note, at) values"
            " ('r', 'a', 'n', '2026-11-20T12:00:00.000000+00:00')",
        ],
        "release_canary": [
            _RELEASE,
            _POINTER,
            "insert into release_canary (release_id, pointer_seq, buckets, actor, note, at)"
            " select 'r', seq, 1, 'a', 'n', activated_at from release_pointer",
        ],
        "node_halt": [
            "insert into node_halt (node, state, reason, actor, at) values"
            " ('n', 'halted', 'r', 'a', '2026-11-20T12:00:00.000000+00:00')",
        ],
        "identity_change": [
            "insert into identity_change (seq, change_id, record_key, cause, changed_at) values"
            " (1, 'c', 'crm.contacts:C1', 'created', '2026-11-20T12:00:00.000000+00:00')"
        ],
        "identity_override": [
            "insert into identity_override (override_id, kind, record_key, author, reason, at)"
            " values ('o', 'detach', 'crm.contacts:C1', 'a', 'r',"
            " '2026-11-20T12:00:00.000000+00:00')"
        ],
        "consent_event": [
            "insert into consent_event (seq, event_id, identifier_type, identifier,"
            " identifier_nonce, identifier_commitment, purpose, channel, action, source,"
            " occurred_at, recorded_at, prev_hash, hash) values (1, 'e', 'contact_id', 'C1', '',"
            " '', '*', '*', 'withdrawn', 's', '2026-11-20T12:00:00.000000+00:00',"
            " '2026-11-20T12:00:00.000000+00:00', '', '')"
        ],
        "sync_outcome": [
            "insert into sync_intent (intent_id, sync, run_id, batch, batch_number, op, row_key,"
            " person_id, purpose, channel, ledger_seq, state, recorded_at) values ('i', 's', 'r',"
            " 'b', 1, 'send', 'k', 'p', 'renewal', 'email', 0, 'open',"
            " '2026-11-20T12:00:00.000000+00:00')",
            "insert into sync_outcome (intent_seq, intent_id, outcome, at) select seq, intent_id,"
            " 'accepted', recorded_at from sync_intent",
        ],
    }
    for statement in rows[table]:
        connection.exec_driver_sql(statement)
    return rows[table]
