"""Plain reads at a high rate, past the machinery that a connection of SQLAlchemy brings along.

A decision about one person asks the store once or twice. Taking a connection from the pool, a
transaction and a statement through SQLAlchemy cost 60 us of CPU time, the driver alone 8.
"""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

from sqlalchemy import Dialect, Engine
from sqlalchemy.exc import DBAPIError

from activation.store.engine import StoreError

KEPT: Final = 16

Given = tuple[Any, ...]


class Reader:
    """Reads for any number of threads; each statement sees what was committed when it began.

    Its connections are its own, not the pool's: up to KEPT stay open between reads, until `close`.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._kept: list[Any] = []

    @property
    def dialect(self) -> Dialect:
        """As `Connection.dialect`."""
        return self._engine.dialect

    def exec_driver_sql(self, statement: str, given: Given) -> Sequence[Sequence[Any]]:
        """The rows of a statement as the driver gives them, as `Connection.exec_driver_sql` does.

        Raises StoreError, without the values, when the store does not answer.
        """
        failure = self._driver_error()
        while (connection := self._take()) is not None:
            # A server closes what was idle for long: only a fresh connection may fail.
            with suppress(failure):
                return self._read(connection, statement, given)
        try:
            return self._read(self._open(), statement, given)
        except (DBAPIError, failure) as error:
            kind = type(error.orig if isinstance(error, DBAPIError) else error).__name__
            raise StoreError(
                f"cannot read the store: {kind}; check that it is reachable and readable"
            ) from None

    def _take(self) -> Any:
        """A kept connection; None when there is none, or another thread has taken the last."""
        try:
            return self._kept.pop()
        except IndexError:
            return None

    def _open(self) -> Any:
        pooled = self._engine.raw_connection()
        connection: Any = pooled.dbapi_connection
        pooled.detach()
        if self._engine.dialect.name == "postgresql":
            # SQLite's are so already: no statement of a reader opens a transaction.
            connection.autocommit = True
        return connection

    def _read(self, connection: Any, statement: str, given: Given) -> Sequence[Sequence[Any]]:
        try:
            rows: Sequence[Sequence[Any]] = connection.execute(statement, given).fetchall()
        except BaseException:
            connection.close()
            raise
        if len(self._kept) < KEPT:
            self._kept.append(connection)
        else:
            connection.close()
        return rows

    def _driver_error(self) -> type[Exception]:
        dbapi: Any = self._engine.dialect.dbapi
        error: type[Exception] = dbapi.Error
        return error

    def close(self) -> None:
        """Close the connections; a later read opens another."""
        while self._kept:
            self._kept.pop().close()
