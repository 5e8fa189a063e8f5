"""What a change of the project loosens: labels, the consent gate, and what is allowed otherwise."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from expectations.policy.allowance import Allowances, looser
from expectations.policy.graph import PolicyGraph
from expectations.policy.label import Label


@dataclass(frozen=True)
class Revision:
    """A project at one moment: its labelled graph, each relation that leaves past the consent gate
    with the reason, and what its journeys, syncs and rules of consent allow."""

    graph: PolicyGraph
    ungated: Mapping[str, str]
    allowances: Allowances


@dataclass(frozen=True)
class Loosened:
    """A column, relation or allowance that lets more happen than before; `how` in words."""

    what: str
    how: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.what}: {'; '.join(self.how)}"


def loosened(before: Revision, after: Revision) -> tuple[Loosened, ...]:
    """Everything that is not as restrictive as it was: columns by name, relations that leave past
    the gate and did not, then the allowances in their order.

    A column that is new has nothing to be compared with, one that is gone can't leak.
    """
    ungated = sorted(after.ungated.items())
    return tuple(
        Loosened(what, tuple(how))
        for what, how in (
            *sorted(_columns(before.graph, after.graph)),
            *(
                (relation, [reason])
                for relation, reason in ungated
                if relation not in before.ungated
            ),
            *looser(before.allowances, after.allowances),
        )
        if how
    )


def _columns(before: PolicyGraph, after: PolicyGraph) -> Iterator[tuple[str, list[str]]]:
    earlier = {
        field.column: field for relation in before.relations.values() for field in relation.fields
    }
    for relation in after.relations.values():
        for field in relation.fields:
            old = earlier.get(field.column)
            if old is None:
                continue
            how = _compared(old.label, field.label)
            if lost := old.selection - field.selection:
                how.append(f"no longer chosen by {', '.join(sorted(lost))}")
            yield str(field.column), how


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
