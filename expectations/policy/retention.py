"""Retention as the labels say it: when a row of a relation ends, and which cells end before it.

Age counts from the relation's event time. A row lives as long as the longest-lived of its columns,
but no longer than its subject key and its event time may, since without them it could neither be
found again nor judged. A cell that may live less long than its row becomes null.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from expectations.policy.graph import Relation


@dataclass(frozen=True)
class RetentionRule:
    """When what a relation holds is over. Days; None is without limit."""

    relation: str
    event_time: str
    row_days: int | None
    cell_days: tuple[tuple[str, int], ...]
    """Columns that end before their row, by name."""


def rule_of(relation: Relation) -> RetentionRule | None:
    """The rule of a relation; None where it has no event time or nothing in it ever ends."""
    if relation.event_time is None:
        return None
    days = {field.column.name: field.label.retention_days for field in relation.fields}
    held = (relation.event_time, *relation.subject_key)
    row_days = _least([_greatest(days.values()), *(days.get(name) for name in held)])
    cells = tuple(
        sorted(
            (name, limit)
            for name, limit in days.items()
            if limit is not None and (row_days is None or limit < row_days)
        )
    )
    if row_days is None and not cells:
        return None
    return RetentionRule(relation.name, relation.event_time, row_days, cells)


def _greatest(days: Iterable[int | None]) -> int | None:
    known = list(days)
    return None if None in known else max((d for d in known if d is not None), default=None)


def _least(days: Iterable[int | None]) -> int | None:
    return min((d for d in days if d is not None), default=None)
