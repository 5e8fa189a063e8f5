"""What a change of the project loosens: two graphs, column by column."""

from dataclasses import dataclass

from expectations.policy.graph import PolicyGraph
from expectations.policy.label import Label
from expectations.policy.lineage.edges import Column


@dataclass(frozen=True)
class Loosened:
    """A column that allows more than before, or says less; `how` in words."""

    column: Column
    how: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.column}: {'; '.join(self.how)}"


def loosened(before: PolicyGraph, after: PolicyGraph) -> tuple[Loosened, ...]:
    """Every column of both graphs whose label is not as restrictive as it was, by name.

    A column that is new has nothing to be compared with, one that is gone can't leak.
    """
    earlier = {
        field.column: field for relation in before.relations.values() for field in relation.fields
    }
    found = []
    for relation in after.relations.values():
        for field in relation.fields:
            old = earlier.get(field.column)
            if old is None:
                continue
            how = [*_compared(old.label, field.label)]
            if lost := old.selection - field.selection:
                how.append(f"no longer chosen by {', '.join(sorted(lost))}")
            if how:
                found.append(Loosened(field.column, tuple(how)))
    return tuple(sorted(found, key=lambda one: one.column))


def _compared(old: Label, new: Label) -> list[str]:
    how = []
    if lost := old.categories - new.categories:
        how.append(f"is no longer {', '.join(sorted(lost))}")
    if lost := old.origin - new.origin:
        how.append(f"no longer comes from {', '.join(sorted(lost))}")
    for name, were, are in (
        ("residency", old.residency, new.residency),
        ("purposes", old.purposes, new.purposes),
    ):
        if were is not None and are is None:
            how.append(f"{name} are no longer limited")
        elif were is not None and are is not None and (added := are - were):
            how.append(f"{name} gain {', '.join(sorted(added))}")
    if old.retention_days is not None and (
        new.retention_days is None or new.retention_days > old.retention_days
    ):
        how.append(
            f"kept {new.retention_days or 'without end'} days instead of {old.retention_days}"
        )
    return how
