"""The minimal bundle: which columns of which context the nodes may read, and as what text.

Nothing but the keys of a context and the declared fields of its nodes is named in compiled SQL.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import duckdb

from activation.decisions.contract import REFUSED_CONTROLS, REPLACEMENT, DecisionError
from activation.decisions.literals import name, text
from activation.journeys.fields import FieldType, accepts_warehouse_type
from activation.journeys.loading import JourneySet
from activation.journeys.node import Node

KEYS = ("person_id", "subject_id", "assurance", "source_at")


@dataclass(frozen=True)
class Context:
    """One context table, its nodes in decision order, and the fields that they read."""

    table: str
    nodes: tuple[Node, ...]
    fields: Mapping[str, FieldType]


def read_contexts(
    connection: duckdb.DuckDBPyConnection, journeys: JourneySet
) -> tuple[Context, ...]:
    """Match the nodes' fields to the columns of schema `contexts`.

    Raises DecisionError with table, column and fix when one is missing or of another type.
    """
    names = sorted({node.context for node in journeys.nodes})
    found = _columns(connection)
    return tuple(_context(table, journeys, found.get(table, {})) for table in names)


def _columns(connection: duckdb.DuckDBPyConnection) -> dict[str, dict[str, str]]:
    rows = connection.execute(
        "select table_name, column_name, data_type from duckdb_columns() "
        "where schema_name = 'contexts' and database_name = current_database()"
    ).fetchall()
    tables: dict[str, dict[str, str]] = {}
    for table, column, data_type in rows:
        tables.setdefault(table, {})[column] = data_type
    return tables


def _context(table: str, journeys: JourneySet, columns: Mapping[str, str]) -> Context:
    nodes = tuple(node for node in journeys.nodes if node.context == table)
    if not columns:
        raise DecisionError(f"contexts.{table}: no such table. Fix: build it, or correct {table}.")
    fields: dict[str, FieldType] = {}
    for node in nodes:
        for field, field_type in node.fields.items():
            if fields.setdefault(field, field_type) is not field_type:
                raise DecisionError(
                    f"{node.id}: fields.{field}: another node of {table} gives another type. "
                    "Fix: agree on one."
                )
    for key in KEYS:
        if key not in columns:
            raise DecisionError(f"contexts.{table}.{key}: missing. Fix: add it to the context.")
    for field, field_type in fields.items():
        if field not in columns:
            raise DecisionError(
                f"contexts.{table}.{field}: missing. Fix: add it, or drop the field from "
                f"{', '.join(node.id for node in nodes if field in node.fields)}."
            )
        if not accepts_warehouse_type(field_type, columns[field]):
            raise DecisionError(
                f"contexts.{table}.{field}: is {columns[field]}, the journeys say {field_type}. "
                "Fix: cast it in the context, or correct the journey."
            )
    return Context(table, nodes, fields)


def projection(bundle: Context | Node) -> tuple[str, ...]:
    """The only columns that may be read of a context: its keys and the fields that are declared.

    Of a node it is the minimal bundle; of a context, what all its nodes together may read.
    """
    return (*KEYS, *bundle.fields)


def cleaned(column: str) -> str:
    """SQL of a text in which control characters that the canonical form refuses are replaced."""
    return f"regexp_replace({column}, {text(REFUSED_CONTROLS)}, {text(REPLACEMENT)}, 'g')"


def json_text(render: Callable[[Callable[[str], str]], str]) -> str:
    """SQL of a JSON text in which the texts are `cleaned`.

    `render` writes it, given what becomes of a column of text. In JSON a refused character shows as
    an escape \\u00.., so only where one stands the texts are searched: that took 0.5 CPU us a
    row, JSON itself 0.25.
    """
    plain = render(lambda column: column)
    return f"case when contains({plain}, '\\u00') then {render(cleaned)} else {plain} end"


def field_text(column: str, field_type: FieldType, clean: Callable[[str], str]) -> str:
    """SQL of a field's canonical text: ISO dates, plain decimals, UTC instants, true and false."""
    if field_type is FieldType.TEXT:
        return clean(column)
    if field_type is FieldType.INSTANT:
        return f"strftime(timezone('UTC', {column}), '%Y-%m-%dT%H:%M:%S.%f+00:00')"
    return f"cast({column} as varchar)"


def context_json(node: Node, alias: str) -> str:
    """SQL of the node's canonical context: a JSON object of text or null, keys in order."""

    def render(clean: Callable[[str], str]) -> str:
        pairs = [
            f"{text(field)}, {field_text(f'{alias}.{name(field)}', node.fields[field], clean)}"
            for field in sorted(node.fields)
        ]
        return f"cast(json_object({', '.join(pairs)}) as varchar)"

    return json_text(render)


def once_key(node: Node, alias: str) -> str:
    """SQL of what the node is done once for: a JSON array of the subject and dates, or null."""
    if not node.limits.once_per:
        return "cast(null as varchar)"

    def render(clean: Callable[[str], str]) -> str:
        parts = [clean(f"{alias}.subject_id")]
        for field in node.limits.once_per[1:]:
            parts.append(field_text(f"{alias}.{name(field)}", node.fields[field], clean))
        return f"cast(json_array({', '.join(parts)}) as varchar)"

    return json_text(render)
