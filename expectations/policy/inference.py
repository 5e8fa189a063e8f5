"""From the labels of roots to a label for every column of the project.

A column's label is the join of those of the columns that its value comes from. What counts rows
(`count(*)`, a rank) has no such column: it takes the categories of what selected its rows, and the
label of the rows themselves (what their being there tells, and for what, where and how long they
may be used).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from expectations.policy.declared import ColumnPolicy
from expectations.policy.finding import Code
from expectations.policy.graph import Field
from expectations.policy.label import UNRESTRICTED, Label, is_within, join_all
from expectations.policy.lineage.edges import Column, OutputColumn, RelationLineage

Key = tuple[str, str]

_NOTHING: frozenset[str] = frozenset()

#: Functions whose result tells how many rows there are, or which place a row has among them.
COUNTING = frozenset(
    [
        "count_star",
        "row_number",
        "rank",
        "dense_rank",
        "rank_dense",
        "percent_rank",
        "cume_dist",
        "ntile",
    ]
)


@dataclass
class Known:
    """What is known of the relations so far: labels and selection by column, and by relation the
    categories that chose its rows (`chosen`) and the label of a row's being there (`rows`)."""

    labels: dict[Column, Label] = field(default_factory=dict)
    selection: dict[Column, frozenset[str]] = field(default_factory=dict)
    chosen: dict[Key, frozenset[str]] = field(default_factory=dict)
    rows: dict[Key, Label] = field(default_factory=dict)

    def label(self, column: Column) -> Label:
        return self.labels.get(column, UNRESTRICTED)

    def learn_root(self, key: Key, fields: Iterable[Field], row: Label) -> None:
        """Take a source's labels as they are declared; `row` is that of a row's being there."""
        for one in fields:
            self.labels[one.column] = one.label
            self.selection[one.column] = frozenset()
        self.chosen[key] = frozenset()
        self.rows[key] = row

    def learn_rows(self, key: Key, lineage: RelationLineage, own: frozenset[str]) -> None:
        """Infer what chose a relation's rows, and what a row of it tells. `own` adds to that.

        To stand in a relation that was made from claims tells of a claim, so what the rows of the
        inputs tell chose these.
        """
        read = [one for one in lineage.relations if one != key]
        told = join_all({self.rows.get(one, UNRESTRICTED) for one in read})
        self.rows[key] = told.join(Label(categories=own))
        chosen = self.rows[key].categories
        chosen |= self.categories_of(one for one in lineage.rows if (one.schema, one.table) != key)
        for relation in read:
            chosen = _with(chosen, self.chosen.get(relation, _NOTHING))
        self.chosen[key] = chosen

    def categories_of(self, columns: Iterable[Column]) -> frozenset[str]:
        """What these columns tell, and what had chosen them."""
        found = _NOTHING
        for one in columns:
            found = _with(found, self.label(one).categories)
            found = _with(found, self.selection.get(one, _NOTHING))
        return found

    def infer(self, key: Key, output: OutputColumn, lineage: RelationLineage) -> Label:
        """The label of a column, before its own YAML is heard."""
        inferred = join_all({self.label(one) for one in output.value})
        if not output.functions & COUNTING:
            return inferred
        counted = self.chosen[key] | self.categories_of(output.selection)
        return inferred.join(self.rows[key]).join(Label(categories=counted))

    def select(self, key: Key, output: OutputColumn) -> frozenset[str]:
        """What chose the value of a column and the row that it stands in."""
        chosen = self.chosen[key]
        chosen = _with(chosen, self.categories_of(output.selection))
        for one in output.value:
            chosen = _with(chosen, self.selection.get(one, _NOTHING))
        return chosen


def _with(some: frozenset[str], more: frozenset[str]) -> frozenset[str]:
    """The union; mostly it is nothing new, and no new set."""
    return some if more <= some else some | more


@dataclass(frozen=True)
class Loosening:
    """That a declared label allows more than the inferred one."""

    code: Code
    message: str
    fix: str
    added: frozenset[str]

    def holds_for(self, label: Label) -> bool:
        """Whether a column of that label is on the way of what was loosened."""
        match self.code:
            case Code.CATEGORIES_LOOSENED:
                return any(is_within(each, one) for each in label.categories for one in self.added)
            case Code.ORIGIN_LOOSENED:
                return bool(label.origin & self.added)
            case Code.RESIDENCY_LOOSENED:
                return label.residency is not None and not self.added <= label.residency
            case Code.PURPOSES_LOOSENED:
                return label.purposes is not None and not self.added <= label.purposes
        days = int(next(iter(self.added)))
        return label.retention_days is not None and label.retention_days < days


def declare(inferred: Label, declared: ColumnPolicy) -> tuple[Label, tuple[Loosening, ...]]:
    """The label of a column whose YAML says something, and where that loosens.

    What the YAML does not mention is inherited. A loosening is reported and does not count: what
    follows is judged by the inferred label.
    """
    found = []
    categories = declared.categories
    if categories is not None and (lost := uncovered(inferred.categories, categories)):
        found.append(
            Loosening(
                Code.CATEGORIES_LOOSENED,
                f"leaves out {_listed(lost)}, which its inputs are",
                "add it to categories, or declassify it with a proof",
                lost,
            )
        )
    if declared.origin is not None and (lost := inferred.origin - declared.origin):
        found.append(
            Loosening(
                Code.ORIGIN_LOOSENED,
                f"leaves out origin {_listed(lost)}, which its inputs have",
                "add it to origin, or leave origin out",
                lost,
            )
        )
    for code, name, before, after in (
        (Code.RESIDENCY_LOOSENED, "residency", inferred.residency, declared.residency),
        (Code.PURPOSES_LOOSENED, "purposes", inferred.purposes, declared.purposes),
    ):
        if after is not None and before is not None and (added := after - before):
            found.append(
                Loosening(
                    code,
                    f"adds {name} {_listed(added)}; its inputs allow {_listed(before)}",
                    f"take it out of {name}, or leave {name} out",
                    added,
                )
            )
    days, least = declared.retention_days, inferred.retention_days
    if days is not None and least is not None and days > least:
        found.append(
            Loosening(
                Code.RETENTION_LOOSENED,
                f"keeps {days} days, its inputs {least}",
                f"say {least} or less, or leave retention_days out",
                frozenset({str(days)}),
            )
        )
    return inferred.join(declared.label()), tuple(found)


def uncovered(inferred: frozenset[str], declared: frozenset[str]) -> frozenset[str]:
    """Categories of the inputs that are within none of the declared ones."""
    return frozenset(one for one in inferred if not any(is_within(one, each) for each in declared))


def _listed(words: Iterable[str]) -> str:
    return ", ".join(sorted(words)) or "none"


def released(inferred: Label, categories: frozenset[str], regions: frozenset[str]) -> Label:
    """The label after a proven declassify: without the categories (and those within them), and
    with the regions. Retention, purposes and origin stay."""
    left = frozenset(
        one for one in inferred.categories if not any(is_within(one, each) for each in categories)
    )
    residency = None if inferred.residency is None else inferred.residency | regions
    return Label(left, inferred.origin, residency, inferred.purposes, inferred.retention_days)
