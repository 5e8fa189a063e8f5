"""What lineage says of one query: for each output column, which columns its value and its row
depend on."""

from dataclasses import dataclass
from typing import NamedTuple


class Column(NamedTuple):
    """A column of a relation in the warehouse; all parts in lower case.

    A tuple, because sets of them are most of what a check of a large project does: of 1,000 models
    it takes 1.7 CPU s with a dataclass, whose hash is Python.
    """

    schema: str
    table: str
    name: str

    def __str__(self) -> str:
        return f"{self.schema}.{self.table}.{self.name}"


@dataclass(frozen=True)
class OutputColumn:
    """One column of a query's result.

    `value` are the columns it is computed from. `selection` are those that decided about the value
    without entering it: groups of an aggregate, partitions of a window, conditions of a join.
    `functions` are the functions applied on the way, by their names in the bound plan.
    """

    name: str
    type: str
    value: frozenset[Column]
    selection: frozenset[Column]
    functions: frozenset[str]


@dataclass(frozen=True)
class RelationLineage:
    """Lineage of one query: its columns in order, what decided which rows it has (`rows`), and the
    relations it reads as (schema, table), also those of which it reads no column (`count(*)`)."""

    columns: tuple[OutputColumn, ...]
    rows: frozenset[Column]
    relations: frozenset[tuple[str, str]]
