"""Deliver batches into PostgreSQL: `<schema>.<object>` holds the rows, one per key.

A batch is one transaction that also writes a receipt per delivery id. So after a crash the receipts
tell what arrived, and a delivery that is made again is skipped.
"""

from collections.abc import Mapping, Sequence

import psycopg
import pyarrow as pa
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from activation.connectors.postgres_errors import class_of
from activation.connectors.postgres_tables import RECEIPTS, Tables
from activation.connectors.protocol import (
    Batch,
    Capabilities,
    ConnectorError,
    ErrorClass,
    Idempotency,
    Operation,
    RemovalAddress,
    RowOutcome,
    all_with,
)

_CAPABILITIES = Capabilities(
    operations=frozenset(Operation),
    max_rows=5_000,
    idempotency=Idempotency.NATURAL,
    can_confirm=True,
    removal_address=RemovalAddress.NONE,
)
_LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1", ""})
_TLS_MODES = frozenset({"require", "verify-ca", "verify-full"})
_INCOMING = sql.Identifier("assent_incoming")


class PostgresConnector:
    """Keeps tables of one schema up to date.

    `url` is a libpq URL; away from this machine it must ask for TLS (`sslmode=require` or
    stronger). With `create_tables` the schema, the tables and their columns are created as needed,
    otherwise they must be there. Raises ConnectorError for a URL that can't be used.
    """

    def __init__(self, url: str, schema: str, *, create_tables: bool) -> None:
        self._url = _checked_url(url)
        self._tables = Tables(schema)
        self._create = create_tables
        self._connection: psycopg.Connection[tuple[object, ...]] | None = None
        self._calls = 0

    @property
    def capabilities(self) -> Capabilities:
        return _CAPABILITIES

    @property
    def calls(self) -> int:
        return self._calls

    def deliver(self, batch: Batch) -> Sequence[RowOutcome]:
        self._calls += 1
        try:
            connection = self._open()
            self._apply(connection, batch)
        except psycopg.Error as error:
            self.close()
            return all_with(batch, class_of(error), f"SQLSTATE {error.sqlstate or 'none'}")
        try:
            connection.commit()
        except psycopg.Error as error:
            # The server may have committed before the connection broke.
            self.close()
            return all_with(batch, ErrorClass.IN_DOUBT, f"commit, {error.sqlstate or 'none'}")
        return all_with(batch, None)

    def confirm(self, object_name: str, batches: Mapping[str, Sequence[str]]) -> Mapping[str, bool]:
        delivery_ids = [delivery_id for ids in batches.values() for delivery_id in ids]
        try:
            connection = self._open()
            if not self._tables.exists(connection, RECEIPTS):
                connection.rollback()
                return dict.fromkeys(delivery_ids, False)
            query = sql.SQL("select delivery_id from {} where delivery_id = any(%s)").format(
                self._tables.name(RECEIPTS)
            )
            arrived = {row[0] for row in connection.execute(query, [delivery_ids])}
            connection.rollback()
        except psycopg.Error:
            self.close()
            return {}
        return {delivery_id: delivery_id in arrived for delivery_id in delivery_ids}

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _open(self) -> psycopg.Connection[tuple[object, ...]]:
        if self._connection is None or self._connection.closed:
            self._connection = psycopg.connect(
                self._url, connect_timeout=10, application_name="assent"
            )
            self._connection.execute("set time zone 'UTC'")
            self._connection.execute("set statement_timeout = '60s'")
            self._connection.commit()
        return self._connection

    def _apply(self, connection: psycopg.Connection[tuple[object, ...]], batch: Batch) -> None:
        if self._create and batch.operation is Operation.REMOVE:
            if not self._tables.exists(connection, batch.object):
                return
        elif self._create:
            self._tables.create(connection, batch)
        target = self._tables.name(batch.object)
        columns = batch.rows.column_names
        self._copy(connection, batch, target, columns)
        connection.execute(
            sql.SQL(
                "delete from {incoming} using {receipts} r"
                " where r.delivery_id = {incoming}.assent_delivery_id"
            ).format(incoming=_INCOMING, receipts=self._tables.name(RECEIPTS))
        )
        if batch.operation is Operation.REMOVE:
            connection.execute(_delete(target, batch.key))
        else:
            connection.execute(_upsert(target, columns, batch.key))
        connection.execute(
            sql.SQL(
                "insert into {} (delivery_id, sync) select assent_delivery_id, %s from {}"
            ).format(self._tables.name(RECEIPTS), _INCOMING),
            [batch.sync],
        )

    def _copy(
        self,
        connection: psycopg.Connection[tuple[object, ...]],
        batch: Batch,
        target: sql.Composable,
        columns: Sequence[str],
    ) -> None:
        """Load the batch into a temporary table that has the target's types."""
        names = _list(columns)
        connection.execute(
            sql.SQL(
                "create temporary table {} on commit drop as"
                " select ''::text as assent_delivery_id, {} from {} with no data"
            ).format(_INCOMING, names, target)
        )
        statement = sql.SQL("copy {} (assent_delivery_id, {}) from stdin").format(_INCOMING, names)
        with connection.cursor().copy(statement) as copy:
            for delivery_id, row in zip(batch.delivery_ids, _tuples(batch.rows), strict=True):
                copy.write_row((delivery_id, *row))


def _tuples(rows: pa.Table) -> list[tuple[object, ...]]:
    columns = [column.to_pylist() for column in rows.columns]
    return list(zip(*columns, strict=True))


def _list(columns: Sequence[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, columns))


def _upsert(target: sql.Composable, columns: Sequence[str], key: Sequence[str]) -> sql.Composed:
    others = [name for name in columns if name not in key]
    assignments = sql.SQL(", ").join(
        sql.SQL("{0} = excluded.{0}").format(sql.Identifier(name)) for name in others
    )
    action = sql.SQL("do update set {}").format(assignments) if others else sql.SQL("do nothing")
    return sql.SQL("insert into {} ({}) select {} from {} on conflict ({}) {}").format(
        target, _list(columns), _list(columns), _INCOMING, _list(key), action
    )


def _delete(target: sql.Composable, key: Sequence[str]) -> sql.Composed:
    matches = sql.SQL(" and ").join(
        sql.SQL("t.{0} = {1}.{0}").format(sql.Identifier(name), _INCOMING) for name in key
    )
    return sql.SQL("delete from {} t using {} where {}").format(target, _INCOMING, matches)


def _checked_url(url: str) -> str:
    try:
        parts = conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        raise ConnectorError(
            "The PostgreSQL URL can't be read: use postgresql://USER@HOST:PORT/DATABASE?"
            "sslmode=verify-full, with the password in it, in the variable named by url_env."
        ) from None
    hosts = str(parts.get("host") or "").split(",")
    local = all(host in _LOCAL_HOSTS or host.startswith("/") for host in hosts)
    if not local and parts.get("sslmode") not in _TLS_MODES:
        raise ConnectorError(
            "The PostgreSQL URL names another machine without TLS: add ?sslmode=verify-full "
            "(or require, verify-ca)."
        )
    return url
