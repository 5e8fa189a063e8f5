"""Every field of the project as a row, for people who ask in SQL: `policy.pol_field`."""

from collections.abc import Iterator
from dataclasses import dataclass

from expectations.policy.chips import chips
from expectations.policy.graph import PolicyGraph


@dataclass(frozen=True)
class FieldRow:
    """Grain: one row per column of the project (`schema_name`, `table_name`, `column_name`).

    Lists are sorted; None in `residency` and `purposes` allows every one, an empty list none.
    `retention_days` counts from the row's event time; None is without end. `chips` is the label in
    few words, as it stands beside the column elsewhere.
    """

    schema_name: str
    table_name: str
    column_name: str
    position: int
    kind: str
    data_type: str
    categories: tuple[str, ...]
    selection: tuple[str, ...]
    origin: tuple[str, ...]
    residency: tuple[str, ...] | None
    purposes: tuple[str, ...] | None
    retention_days: int | None
    is_declared: bool
    chips: tuple[str, ...]


def rows(graph: PolicyGraph) -> Iterator[FieldRow]:
    """One row per field, in the order of the data's path and of the columns."""
    for relation in graph.relations.values():
        for position, field in enumerate(relation.fields, start=1):
            label = field.label
            yield FieldRow(
                relation.schema,
                relation.table,
                field.column.name,
                position,
                relation.kind,
                field.type,
                tuple(sorted(label.categories)),
                tuple(sorted(field.selection)),
                tuple(sorted(label.origin)),
                None if label.residency is None else tuple(sorted(label.residency)),
                None if label.purposes is None else tuple(sorted(label.purposes)),
                label.retention_days,
                field.declared,
                chips(label),
            )
