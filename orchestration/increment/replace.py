"""Rows of a model's table replaced by those that an increment solved anew."""

import duckdb

from orchestration.increment.models import DATABASE


def replace_rows(
    connection: duckdb.DuckDBPyConnection, name: str, column: str, chosen: str
) -> None:
    """In identity.<name>, what stands in increment.identity.<name> for every row whose `column`
    the query `chosen` gives; rows of either table with another value are left alone."""
    connection.execute(f"delete from identity.{name} where {column} in ({chosen})")
    connection.execute(
        f"insert into identity.{name} by name select * from {DATABASE}.identity.{name} "
        f"where {column} in ({chosen})"
    )
