"""The tables that the PostgreSQL connector writes: one per object, and the receipts."""

import psycopg
import pyarrow as pa
from psycopg import sql

from activation.connectors.protocol import Batch

RECEIPTS = "assent_receipt"


class Tables:
    """Names, existence and creation of the tables in one schema."""

    def __init__(self, schema: str) -> None:
        self._schema = schema

    def name(self, table: str) -> sql.Identifier:
        return sql.Identifier(self._schema, table)

    def exists(self, connection: psycopg.Connection[tuple[object, ...]], table: str) -> bool:
        found = connection.execute(
            "select 1 from information_schema.tables where table_schema = %s and table_name = %s",
            [self._schema, table],
        ).fetchone()
        return found is not None

    def create(self, connection: psycopg.Connection[tuple[object, ...]], batch: Batch) -> None:
        """Create what is missing for the batch's rows, in its transaction.

        The object's table has the batch's columns, and the sync's key as its primary key.
        """
        present = {
            row[0]
            for row in connection.execute(
                "select column_name from information_schema.columns"
                " where table_schema = %s and table_name = %s",
                [self._schema, batch.object],
            )
        }
        columns = {
            field.name: sql.SQL("{} {}").format(
                sql.Identifier(field.name), sql.SQL(_column_type(field.type))
            )
            for field in batch.rows.schema
        }
        if not present:
            self._create(connection, batch, list(columns.values()))
            return
        for name in columns.keys() - present:
            connection.execute(
                sql.SQL("alter table {} add column if not exists {}").format(
                    self.name(batch.object), columns[name]
                )
            )

    def _create(
        self,
        connection: psycopg.Connection[tuple[object, ...]],
        batch: Batch,
        columns: list[sql.Composed],
    ) -> None:
        if not self._schema_exists(connection):
            connection.execute(sql.SQL("create schema {}").format(sql.Identifier(self._schema)))
        connection.execute(
            sql.SQL(
                "create table if not exists {} (delivery_id text primary key, sync text not null,"
                " received_at timestamptz not null default now())"
            ).format(self.name(RECEIPTS))
        )
        connection.execute(
            sql.SQL("create table {} ({}, primary key ({}))").format(
                self.name(batch.object),
                sql.SQL(", ").join(columns),
                sql.SQL(", ").join(map(sql.Identifier, batch.key)),
            )
        )

    def _schema_exists(self, connection: psycopg.Connection[tuple[object, ...]]) -> bool:
        found = connection.execute(
            "select 1 from information_schema.schemata where schema_name = %s", [self._schema]
        ).fetchone()
        return found is not None


def _column_type(arrow: pa.DataType) -> str:
    if pa.types.is_boolean(arrow):
        return "boolean"
    if pa.types.is_integer(arrow):
        return "bigint"
    if pa.types.is_floating(arrow):
        return "double precision"
    if pa.types.is_decimal(arrow):
        return f"numeric({arrow.precision}, {arrow.scale})"
    if pa.types.is_timestamp(arrow):
        return "timestamptz"
    if pa.types.is_date(arrow):
        return "date"
    return "text"
