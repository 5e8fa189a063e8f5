"""The policy label of a column, and the lattice that labels form.

A label says what a value is, where it came from, and what may be done with it. Joining two labels
gives the least label that is as restrictive as both: what may be known grows, what may be done
shrinks. So a column that is computed from others carries the join of theirs, and no order of
joining matters (a join-semilattice; Denning, "A lattice model of secure information flow", 1976).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce


@dataclass(frozen=True)
class Label:
    """What one value is and allows.

    `categories` are data categories (fideslang keys and own extensions), `origin` the systems of
    record. `residency` holds the regions where the value may be processed and `purposes` what it
    may be used for; None stands for every one, an empty set for none. `retention_days` counts from
    the event time of the row; None is without limit.
    """

    categories: frozenset[str] = frozenset()
    origin: frozenset[str] = frozenset()
    residency: frozenset[str] | None = None
    purposes: frozenset[str] | None = None
    retention_days: int | None = None

    def join(self, other: "Label") -> "Label":
        """The least label that is at least as restrictive as both."""
        return Label(
            categories=self.categories | other.categories,
            origin=self.origin | other.origin,
            residency=_meet(self.residency, other.residency),
            purposes=_meet(self.purposes, other.purposes),
            retention_days=_least(self.retention_days, other.retention_days),
        )

    def is_as_restrictive_as(self, other: "Label") -> bool:
        """Whether whatever this label allows, the other allows too."""
        return self.join(other) == self


#: The label of a constant: it says nothing about anybody and allows everything.
UNRESTRICTED = Label()


def join_all(labels: Iterable[Label]) -> Label:
    """The join of all labels; of none, the label of a constant."""
    return reduce(Label.join, labels, UNRESTRICTED)


def is_within(category: str, ancestor: str) -> bool:
    """Whether a category is the ancestor or stands below it (`user.contact.email` in `user`)."""
    return category == ancestor or category.startswith(ancestor + ".")


def _meet(left: frozenset[str] | None, right: frozenset[str] | None) -> frozenset[str] | None:
    if left is None or right is None:
        return right if left is None else left
    return left & right


def _least(left: int | None, right: int | None) -> int | None:
    if left is None or right is None:
        return right if left is None else left
    return min(left, right)
