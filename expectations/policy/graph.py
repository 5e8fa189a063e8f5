"""The checked project as a graph: every relation, its columns, their labels and their lineage.

This is what the checker proves and what the exports, the context bundles, retention and erasure
read. It holds no data and needs no warehouse.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from expectations.policy.label import Label
from expectations.policy.lineage.edges import Column, RelationLineage


@dataclass(frozen=True)
class Field:
    """One column with its label.

    `label` is the value's, inferred from the roots and tightened by what its YAML declares.
    `selection` holds the categories of what chose its rows; it counts where data leaves.
    """

    column: Column
    type: str
    label: Label
    selection: frozenset[str]
    declared: bool


@dataclass(frozen=True)
class Relation:
    """One table or view. `lineage` is None for a root (a source), which is labelled by hand.

    `subject` is whom a row is about, `subject_key` the columns that identify them, `event_time`
    the column that retention counts from; None where the relation has none.
    """

    schema: str
    table: str
    kind: Literal["source", "model", "snapshot"]
    fields: tuple[Field, ...]
    lineage: RelationLineage | None
    path: str
    subject: str | None = None
    subject_key: tuple[str, ...] = ()
    event_time: str | None = None

    @property
    def name(self) -> str:
        return f"{self.schema}.{self.table}"


@dataclass(frozen=True)
class PolicyGraph:
    """Every relation of the project by (schema, table), in the order of the data's path."""

    relations: Mapping[tuple[str, str], Relation]

    def field(self, column: Column) -> Field:
        """The field of a column. Raises KeyError when the project has no such column."""
        relation = self.relations[column.schema, column.table]
        for field in relation.fields:
            if field.column == column:
                return field
        raise KeyError(str(column))
