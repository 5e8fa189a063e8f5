"""The in-memory engine in which one run compares sets: desired rows, state, identifiers."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import duckdb
import pyarrow as pa

_IDENTIFIERS = ("person_id", "identifier_type", "identifier")
NO_FORMER_LINKS = pa.schema(
    [
        *((name, pa.string()) for name in _IDENTIFIERS),
        ("parted_at", pa.timestamp("us", "UTC")),
    ]
).empty_table()


@contextmanager
def workspace(
    identifiers: pa.Table, former_links: pa.Table = NO_FORMER_LINKS
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB connection that holds nothing but `identifier` (person_id, identifier_type,
    identifier) and `former_identifier` (the same and parted_at), cannot reach files or the network,
    and shows instants in UTC.
    """
    connection = duckdb.connect(":memory:", config={"enable_external_access": "false"})
    try:
        connection.execute("set TimeZone = 'UTC'")
        connection.register("identifier", identifiers.select(list(_IDENTIFIERS)))
        former = former_links.select(NO_FORMER_LINKS.column_names)
        connection.register("former_identifier", former)
        yield connection
    finally:
        connection.close()


def quoted(name: str) -> str:
    """The name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def text_list(values: Sequence[str]) -> str:
    """The values as an SQL list of text literals."""
    return "[" + ", ".join("'" + value.replace("'", "''") + "'" for value in values) + "]"
