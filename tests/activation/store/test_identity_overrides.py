"""Overrides in the store: what is recorded stands until it is revoked, and nothing contradicts."""

from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Literal

import duckdb
import pytest
from alembic import command
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from activation.store import open_store, publish, transaction
from activation.store.hash_key import HashKey, key_hash_sql
from activation.store.identity_overrides import (
    Override,
    OverrideError,
    block_value,
    current,
    detach,
    keep_weak,
    pair,
    record,
    record_where_new,
    revoke,
)
from activation.store.migrate import alembic_config
from tests.hash_key import HASH_KEY

SAID: dict[str, Any] = {
    "author": "steward",
    "reason": "the customer called",
    "at": datetime(2026, 11, 20, 6, tzinfo=UTC),
}


INSERTED = (
    "insert into identity_override "
    "(override_id, kind, rule, key_hash, record_key, author, reason, at) values "
    "({}, 'steward', 'the customer called', '2026-11-20 06:00:00.000000')"
)


def recorded(store: Engine, *overrides: Override) -> None:
    for override in overrides:
        with transaction(store) as connection:
            record(connection, override)


def standing(store: Engine) -> list[str]:
    with store.connect() as connection:
        return [one.override_id for one in current(connection)]


def test_a_pair_is_the_same_in_either_order(store: Engine) -> None:
    assert pair("never_link", ("a", "b"), **SAID) == pair("never_link", ("b", "a"), **SAID)
    with pytest.raises(OverrideError, match="a can't be paired with itself"):
        pair("never_link", ("a", "a"), **SAID)


def test_a_revoked_override_no_longer_stands_and_may_be_made_again(store: Engine) -> None:
    first = detach("a", **SAID)
    recorded(store, first)
    with transaction(store) as connection:
        revoke(connection, first.override_id, **SAID)
    assert standing(store) == []
    again = detach("a", **(SAID | {"at": datetime(2026, 11, 21, tzinfo=UTC)}))
    recorded(store, again)
    assert standing(store) == [again.override_id]
    with (
        pytest.raises(OverrideError, match="no override o_none stands"),
        transaction(store) as connection,
    ):
        revoke(connection, "o_none", **SAID)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (pair("never_link", ("a", "b"), **SAID), pair("always_link", ("b", "a"), **SAID)),
        (detach("a", **SAID), pair("always_link", ("a", "c"), **SAID)),
    ],
)
def test_what_contradicts_a_standing_override_is_refused_with_the_way_out(
    store: Engine, first: Override, second: Override
) -> None:
    for one, other in ((first, second), (second, first)):
        with transaction(store) as connection:
            record(connection, one)
            with pytest.raises(OverrideError, match=f"override revoke {one.override_id}"):
                record(connection, other)
            connection.rollback()


@pytest.mark.parametrize("kind", ["never_link", "always_link"])
def test_saying_the_same_twice_is_refused(
    store: Engine, kind: Literal["never_link", "always_link"]
) -> None:
    recorded(store, pair(kind, ("a", "b"), **SAID))
    later = SAID | {"at": datetime(2026, 11, 22, tzinfo=UTC), "author": "another"}
    with pytest.raises(OverrideError, match="says the same already"):
        recorded(store, pair(kind, ("b", "a"), **later))


def test_a_blocked_value_is_kept_as_its_hash_alone(store: Engine) -> None:
    recorded(store, block_value("email", ["desk@broker.example"], HASH_KEY, **SAID))
    with store.connect() as connection:
        rows = connection.execute(text("select * from identity_override")).all()
        assert "broker" not in str(rows)
        copied = publish.identity_overrides(connection, HASH_KEY)
    assert copied.column_names[0] == "override_id"
    assert copied["rule"].to_pylist() == ["email"]


def test_a_value_that_was_hashed_with_another_key_stops_the_run_and_names_the_way_out(
    store: Engine,
) -> None:
    made = block_value("email", ["desk@broker.example"], HashKey(b"lost"), **SAID)
    recorded(store, made, detach("a", **SAID))
    with store.connect() as connection:
        with pytest.raises(OverrideError, match=rf"{made.override_id} .* with another hash key"):
            publish.identity_overrides(connection, HASH_KEY)
        assert publish.identity_overrides(connection, HashKey(b"lost")).num_rows == 2
    with transaction(store) as connection:
        revoke(connection, made.override_id, **SAID)
    with store.connect() as connection:
        assert publish.identity_overrides(connection, HASH_KEY).num_rows == 1


def test_python_and_sql_hash_a_value_alike_and_neither_without_the_key() -> None:
    values = ("kiosk", "o'hara \u2014 e\u0301", "")
    with duckdb.connect() as connection:
        connection.execute("create schema store")
        connection.register("given", publish.hash_key(HASH_KEY))
        connection.execute("create table store.hash_key as from given")
        for value in values:
            made = connection.execute(f"select {key_hash_sql('device_id', '$1')}", [value])
            assert made.fetchone() == (HASH_KEY.of("device_id", [value]),)
    assert HASH_KEY.of("email", ["a"]) != HashKey(b"another").of("email", ["a"])
    assert HASH_KEY.of("email", ["a"]) != sha256(b"email\x1fa").hexdigest()
    assert "only tests" not in repr(HASH_KEY)
    assert HASH_KEY.text not in repr(HASH_KEY)


def test_what_an_erasure_keeps_is_recorded_once_and_never_against_a_persons_decision(
    store: Engine,
) -> None:
    recorded(store, pair("always_link", ("a", "b"), **SAID))
    kept = [
        keep_weak("phone", "hash of a number", HASH_KEY.key_id, blocked=False, **SAID),
        keep_weak("email", "hash of an address", HASH_KEY.key_id, blocked=True, **SAID),
        pair("never_link", ("a", "b"), **SAID),
    ]
    with transaction(store) as connection:
        assert record_where_new(connection, kept) == 2
        assert record_where_new(connection, kept) == 0
        kinds = publish.identity_overrides(connection, HASH_KEY)["kind"].to_pylist()
    assert kinds == ["always_link", "keep_shared", "block_value"]


def test_a_store_from_before_keeps_its_overrides_and_takes_what_was_shared(
    store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def to_the_version_before(connection: Connection) -> None:
        command.upgrade(alembic_config(connection), "0002")

    with monkeypatch.context() as old_version:
        old_version.setattr("activation.store.engine.migrate", to_the_version_before)
        before = open_store(store_url)
    with transaction(before) as connection:
        connection.execute(text(INSERTED.format("'o_first', 'detach', null, null, 'a'")))
        connection.execute(text(INSERTED.format("'o_old', 'block_value', 'email', 'old', null")))
    with pytest.raises(IntegrityError), transaction(before) as connection:
        connection.execute(text(INSERTED.format("'o_2', 'keep_shared', 'phone', 'hash', null")))
    before.dispose()

    store = open_store(store_url)
    shared = keep_weak("phone", "hash", HASH_KEY.key_id, blocked=False, **SAID)
    recorded(store, shared)
    assert standing(store) == ["o_first", "o_old", shared.override_id]
    with (
        store.connect() as connection,
        pytest.raises(OverrideError, match=r"o_old .* before hashes had a key: .* revoke o_old"),
    ):
        publish.identity_overrides(connection, HASH_KEY)
    for change in ("update identity_override set kind = kind", "delete from identity_override"):
        with pytest.raises(DBAPIError, match="append-only"), transaction(store) as connection:
            connection.execute(text(change))
    with transaction(store) as connection:
        connection.execute(text("insert into privacy_permit (erasure_id) values ('x')"))
        assert connection.execute(text("delete from identity_override")).rowcount == 3
        connection.rollback()
    store.dispose()
