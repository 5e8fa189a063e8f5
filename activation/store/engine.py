"""Opens the operational store: an SQLite file by default, PostgreSQL by URL."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError

from activation.store.migrate import UnknownSchema, migrate

_DRIVERS = {"sqlite": "sqlite+pysqlite", "postgresql": "postgresql+psycopg"}
_WRITE = "assent_write"
# Two processes that open a fresh store at once must not both migrate it.
_MIGRATION_LOCK = 4_715_281_639_204_117_553


class StoreError(Exception):
    """The store cannot be opened or does not fit this version; the message says what to do."""


def open_store(url: str) -> Engine:
    """Open the store at `url`, create or migrate its schema, and return the engine.

    `url` is `sqlite:///path/to/assent.sqlite` or `postgresql://user@host/database`. The SQLite file
    is created readable by its owner only. Raises StoreError, which never shows a password.
    """
    target = _parse(url)
    try:
        if target.get_backend_name() == "sqlite":
            engine = _sqlite_engine(target)
        else:
            engine = create_engine(
                target, hide_parameters=True, isolation_level="READ COMMITTED", pool_pre_ping=True
            )
        with transaction(engine) as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(
                    text("select pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK}
                )
            migrate(connection)
    except UnknownSchema:
        raise StoreError(
            f"the store {target.render_as_string(hide_password=True)} was written by a newer "
            "version of assent; install that version"
        ) from None
    except DBAPIError as error:
        raise StoreError(
            f"cannot open the store {target.render_as_string(hide_password=True)}: "
            f"{type(error.orig).__name__}; check that it is reachable and writable"
        ) from None
    return engine


@contextmanager
def opened_store(url: str) -> Iterator[Engine]:
    """The store at `url` as `open_store` gives it, its connections closed on the way out."""
    engine = open_store(url)
    try:
        yield engine
    finally:
        engine.dispose()


@contextmanager
def transaction(engine: Engine) -> Iterator[Connection]:
    """One writing transaction: commits on return, rolls back on any exception.

    On SQLite it begins IMMEDIATE, so what is read in it cannot be changed by another writer before
    it commits. For plain reads use `engine.connect()`, which waits for no writer.
    """
    with engine.connect() as connection:
        connection = connection.execution_options(**{_WRITE: True})
        with connection.begin():
            yield connection


def _parse(url: str) -> URL:
    try:
        target = make_url(url)
        driver = _DRIVERS[target.get_backend_name()]
    except (ArgumentError, KeyError):
        raise StoreError("the store's URL must start with sqlite:/// or postgresql://") from None
    return target.set(drivername=driver)


def _sqlite_engine(target: URL) -> Engine:
    if target.database in (None, "", ":memory:"):
        raise StoreError("the store needs a file: use sqlite:///path/to/assent.sqlite")
    path = Path(str(target.database))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600, exist_ok=True)
    except OSError as error:
        raise StoreError(f"cannot create the store {path}: {error.strerror}") from None
    engine = create_engine(target, hide_parameters=True)
    event.listen(engine, "connect", _configure_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _configure_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    # The driver's own BEGIN handling would start transactions late; _begin_sqlite starts them.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("pragma busy_timeout = 30000")
    cursor.execute("pragma journal_mode = wal")
    cursor.execute("pragma synchronous = full")
    cursor.execute("pragma foreign_keys = on")
    # 64 MiB: an import must not spill its pages before it commits.
    cursor.execute("pragma cache_size = -65536")
    # Without it INSERT OR REPLACE deletes rows past the append-only triggers.
    cursor.execute("pragma recursive_triggers = on")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    immediate = connection.get_execution_options().get(_WRITE, False)
    connection.exec_driver_sql("begin immediate" if immediate else "begin")
