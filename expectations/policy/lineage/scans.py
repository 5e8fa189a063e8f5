"""Operators that bring columns in: tables, constants, table functions, correlated columns."""

from collections.abc import Callable
from functools import cache

from expectations.policy.lineage.edges import Column
from expectations.policy.lineage.expressions import flow_of, refuse_unknown_parts
from expectations.policy.lineage.faults import UnsupportedConstruct
from expectations.policy.lineage.flow import (
    CONSTANT,
    NONE,
    Flow,
    Node,
    Scope,
    Stream,
    join,
    sources,
)

#: Table functions whose rows follow from constants or are the engine's own (its time zones).
GENERATORS = frozenset(
    {"range", "generate_series", "repeat", "repeat_row", "unnest", "pg_timezone_names"}
)
#: Table functions over the rows of a query.
ROW_FUNCTIONS = frozenset(
    {"range", "generate_series", "unnest", "repeat_row", "json_each", "json_tree", "summary"}
)
_DATABASES_OF_DUCKDB = frozenset({"system", "temp"})
_GET = frozenset(
    {
        "type",
        "children",
        "table_index",
        "returned_types",
        "names",
        "column_indexes",
        "projection_ids",
        "name",
        "arguments",
        "original_arguments",
        "catalog_name",
        "schema_name",
        "function_data",
        "parameters",
        "named_parameters",
        "input_table_types",
        "input_table_names",
        "projected_input",
        "extra_info",
        "table_filters",
        "virtual_columns",
    }
)


def get(operator: Node, scope: Scope) -> Stream:
    """A scan of a table, or a table function."""
    refuse_unknown_parts(operator, _GET)
    if (operator.get("table_filters") or {}).get("filters"):
        raise UnsupportedConstruct("a filter was pushed into a scan: the plan was optimised")
    if operator.get("children"):
        return _row_function(operator, scope)
    if operator["name"] == "seq_scan":
        return _table(operator, scope)
    if operator["name"] in GENERATORS:
        columns = (CONSTANT,) * len(operator["column_indexes"])
        return Stream(scope.bind(operator["table_index"], _projected(operator, columns)))
    raise UnsupportedConstruct(
        f"table function {operator['name']} is not supported: what it reads has no labels"
    )


def _table(operator: Node, scope: Scope) -> Stream:
    data = operator.get("function_data") or {}
    if "table" not in data or data["catalog"] in _DATABASES_OF_DUCKDB:
        raise UnsupportedConstruct("a scan of something that is no table of the project")
    schema, table = data["schema"].lower(), data["table"].lower()
    scope.relations.add((schema, table))
    names = operator["names"]
    columns = tuple(
        # a number beyond the columns is the row's position
        _column(schema, table, names[one["index"]].lower())
        if one["index"] < len(names)
        else CONSTANT
        for one in operator["column_indexes"]
    )
    order = (
        sources(_column(schema, table, name.lower()) for name in names)
        if (schema, table) in scope.arranged
        else NONE
    )
    columns = scope.bind(operator["table_index"], _projected(operator, columns))
    return Stream(columns, order=order)


def _row_function(operator: Node, scope: Scope) -> Stream:
    """A table function over the rows of a query (`from t, unnest(t.list)`): its rows depend on its
    arguments, and it hands on some columns of its input."""
    if operator["name"] not in ROW_FUNCTIONS:
        raise UnsupportedConstruct(f"table function {operator['name']} is not supported")
    (given,) = scope.children(operator, 1)
    handed_on = operator.get("projected_input") or []
    arguments = given.columns[: len(given.columns) - len(handed_on)]
    argument = join(arguments).through(operator["name"])
    own = _projected(operator, (argument,) * len(operator["column_indexes"]))
    columns = scope.bind(
        operator["table_index"], own + tuple(given.columns[index] for index in handed_on)
    )
    return Stream(columns, given.rows | argument.everything, given.order)


def _projected(operator: Node, columns: tuple[Flow, ...]) -> tuple[Flow, ...]:
    kept = operator.get("projection_ids")
    return tuple(columns[index] for index in kept) if kept else columns


@cache
def _column(schema: str, table: str, name: str) -> Flow:
    return Flow(frozenset({Column(schema, table, name)}))


def dummy(operator: Node, scope: Scope) -> Stream:
    """The one row of a query without FROM."""
    return Stream(scope.bind(operator["table_index"], (CONSTANT,)))


def constants(operator: Node, scope: Scope) -> Stream:
    """Rows that stand in the query itself."""
    return Stream(scope.bind(operator["table_index"], (CONSTANT,) * len(operator["chunk_types"])))


def values(operator: Node, scope: Scope) -> Stream:
    """VALUES: each column may hold any of its rows' expressions."""
    (given,) = scope.children(operator, 1)
    width = len(operator["expr_types"])
    columns = tuple(
        join(flow_of(row[at], scope, given.columns) for row in operator["expressions"])
        for at in range(width)
    )
    return Stream(scope.bind(operator["table_index"], columns), given.rows, given.order)


def correlated(operator: Node, scope: Scope) -> Stream:
    """The columns of the outer query that a correlated subquery depends on."""
    types = [one["id"] for one in operator["chunk_types"]]
    for columns in reversed(scope.correlated):
        if [kind for kind, _ in columns] == types:
            flows = tuple(flow for _, flow in columns)
            return Stream(scope.bind(operator["table_index"], flows))
    raise UnsupportedConstruct("the outer columns of a correlated subquery can't be resolved")


OPERATORS: dict[str, Callable[[Node, Scope], Stream]] = {
    "LOGICAL_GET": get,
    "LOGICAL_DUMMY_SCAN": dummy,
    "LOGICAL_CHUNK_GET": constants,
    "LOGICAL_COLUMN_DATA_GET": constants,
    "LOGICAL_EXPRESSION_GET": values,
    "LOGICAL_DELIM_GET": correlated,
}
