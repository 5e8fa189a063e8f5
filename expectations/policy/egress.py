"""Whether the labels allow what is about to leave: fields, region, purposes and categories.

The same question is asked when the project is checked and again when a sync sends, because a
transfer basis or a reviewed exception ends on a day on which nobody edits a file.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from expectations.policy.graph import Field as LabelledField
from expectations.policy.graph import PolicyGraph
from expectations.policy.label import is_within
from expectations.policy.lineage.edges import Column
from expectations.policy.special import may_hold, special_in

_Text = Annotated[str, StringConstraints(min_length=1, max_length=300)]


class _Terms(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class TransferBasis(_Terms):
    """Why data may leave the regions of its labels (GDPR chapter V); dated, and revocable.

    `expires` is the first day on which it no longer holds.
    """

    mechanism: Literal["adequacy", "scc", "bcr", "derogation"]
    reference: _Text
    starts: date | None = None
    expires: date

    def holds(self, on: date) -> bool:
        return on < self.expires and (self.starts is None or on >= self.starts)


class SpecialCategoryException(_Terms):
    """A reviewed exception: this special category may leave with this sync, for this reason.

    `expires` is the first day on which it no longer holds.
    """

    category: _Text
    reason: _Text
    approved_by: _Text
    expires: date

    def covers(self, category: str, on: date) -> bool:
        return on < self.expires and is_within(category, self.category)


class Rule(StrEnum):
    """What a refusal is about."""

    UNKNOWN_FIELD = "unknown_field"
    PURPOSE = "purpose"
    RESIDENCY = "residency"
    DENIED_CATEGORY = "denied_category"
    SPECIAL_CATEGORY = "special_category"
    SPECIAL_SELECTION = "special_selection"


class EgressTerms(_Terms):
    """The terms under which a relation's fields leave, as an exposure's `config.meta.sync` has
    them. `purpose` lists every purpose that its rows may have been selected for."""

    region: _Text
    purpose: Annotated[tuple[str, ...], Field(min_length=1)]
    fields: Annotated[tuple[str, ...], Field(min_length=1)]
    transfer: TransferBasis | None = None
    denied_categories: tuple[str, ...] = ()
    special_categories: tuple[SpecialCategoryException, ...] = ()


@dataclass(frozen=True)
class Refusal:
    """Why the labels forbid it: the rule, the field (None: how the rows were chosen), the reason
    in words, and what would mend it. Holds names of columns and categories, never a value."""

    rule: Rule
    field: str | None
    reason: str
    fix: str

    def __str__(self) -> str:
        return f"{self.field or 'selection'}: {self.reason}. Fix: {self.fix}."


def check_egress(
    graph: PolicyGraph,
    relation: str,
    terms: EgressTerms,
    on: date,
    decided_on: frozenset[Column] = frozenset(),
) -> tuple[Refusal, ...]:
    """Every reason why `terms.fields` of `relation` (schema.table) may not leave on the day `on`.

    `decided_on` are columns on which it was decided who is in the relation, where the decision is
    made outside SQL: their categories count as selection. Returns an empty tuple when all is well.
    """
    schema, _, table = relation.partition(".")
    found = [(name, _field(graph, Column(schema, table, name))) for name in terms.fields]
    refusals = [
        refusal for name, field in found for refusal in _refusals_of(name, field, terms, on)
    ]
    chosen_by = frozenset().union(
        *(field.selection for _, field in found if field is not None),
        *(
            graph.field(column).label.categories | graph.field(column).selection
            for column in sorted(decided_on)
        ),
    )
    return (*refusals, *_selection(chosen_by, terms, on))


def _field(graph: PolicyGraph, column: Column) -> LabelledField | None:
    try:
        return graph.field(column)
    except KeyError:
        return None


def _refusals_of(
    name: str, field: LabelledField | None, terms: EgressTerms, on: date
) -> Iterator[Refusal]:
    if field is None:
        yield Refusal(
            Rule.UNKNOWN_FIELD,
            name,
            "no column of that name has a label",
            "add it to the model, or take it out of fields",
        )
        return
    label = field.label
    if label.purposes is not None and not label.purposes & set(terms.purpose):
        yield Refusal(
            Rule.PURPOSE,
            name,
            f"may be used for {_listed(label.purposes)}, and it is sent for "
            f"{_listed(terms.purpose)}",
            "take it out of fields",
        )
    if label.residency is not None and terms.region not in label.residency:
        basis = terms.transfer
        if basis is None or not basis.holds(on):
            yield Refusal(Rule.RESIDENCY, name, *_outside(label.residency, terms, on))
    for category in sorted(label.categories):
        denied = [one for one in terms.denied_categories if may_hold(category, one)]
        if denied:
            yield Refusal(
                Rule.DENIED_CATEGORY,
                name,
                f"is {category}, and the destination may not receive {_listed(denied)}",
                "take it out of fields",
            )
    for category in sorted(special_in(label.categories)):
        if not _is_excepted(category, terms, on):
            yield Refusal(
                Rule.SPECIAL_CATEGORY,
                name,
                f"is or may hold {category}, a special category, and no exception holds on {on}",
                "take it out of fields, or have special_categories reviewed",
            )


def _outside(residency: frozenset[str], terms: EgressTerms, on: date) -> tuple[str, str]:
    where = f"may be processed in {_listed(residency)}, and the destination is in {terms.region}"
    basis = terms.transfer
    if basis is None:
        return f"{where} without a transfer basis", "take it out of fields, or state transfer"
    return (
        f"{where}; transfer basis {basis.mechanism} {basis.reference} does not hold on {on} "
        f"(from {basis.starts or 'the beginning'} until {basis.expires})",
        "renew the basis and its dates in transfer",
    )


def _selection(chosen_by: frozenset[str], terms: EgressTerms, on: date) -> Iterator[Refusal]:
    for category in sorted(chosen_by):
        denied = [one for one in terms.denied_categories if may_hold(category, one)]
        if denied:
            yield Refusal(
                Rule.DENIED_CATEGORY,
                None,
                f"rows were chosen by {category}, and the destination may not learn "
                f"{_listed(denied)}",
                "choose them by something else",
            )
    for category in sorted(special_in(chosen_by)):
        if not _is_excepted(category, terms, on):
            yield Refusal(
                Rule.SPECIAL_SELECTION,
                None,
                f"rows were chosen by {category}, a special category, and no exception holds on "
                f"{on}",
                "choose them by something else, or have special_categories reviewed",
            )


def _is_excepted(category: str, terms: EgressTerms, on: date) -> bool:
    return any(one.covers(category, on) for one in terms.special_categories)


def _listed(names: frozenset[str] | tuple[str, ...] | list[str]) -> str:
    return ", ".join(sorted(names)) or "nothing"
