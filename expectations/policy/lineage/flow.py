"""The state of the walk: what a column depends on, and what leaves one operator of a plan."""

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from expectations.policy.lineage.edges import Column
from expectations.policy.lineage.faults import UnsupportedConstruct

#: One object of the plan's JSON: an operator or an expression.
Node = Mapping[str, Any]
Columns = frozenset[Column]

NONE: Columns = frozenset()


@dataclass(frozen=True, slots=True)
class Flow:
    """What one column of an operator depends on; the fields are those of `edges.OutputColumn`."""

    value: Columns = NONE
    selection: Columns = NONE
    functions: frozenset[str] = frozenset()

    @property
    def everything(self) -> Columns:
        return self.value | self.selection

    def joined(self, other: "Flow") -> "Flow":
        return Flow(
            self.value | other.value,
            self.selection | other.selection,
            self.functions | other.functions,
        )

    def selected_by(self, columns: Columns) -> "Flow":
        if columns <= self.selection:
            return self
        return Flow(self.value, self.selection | columns, self.functions)

    def through(self, function: str) -> "Flow":
        return Flow(self.value, self.selection, self.functions | {function})


CONSTANT = Flow()


def join(flows: Iterable[Flow]) -> Flow:
    """What depends on all of them."""
    result = CONSTANT
    for flow in flows:
        if flow is not CONSTANT:
            result = flow if result is CONSTANT else result.joined(flow)
    return result


def sources(flows: Iterable[Flow]) -> Columns:
    """Every column that any of them depends on."""
    return frozenset().union(*(flow.everything for flow in flows))


@dataclass(frozen=True, slots=True)
class Stream:
    """What leaves an operator: its columns, what decided which rows there are (`rows`), and what
    decided their order (`order`), which counts once something depends on the order."""

    columns: tuple[Flow, ...]
    rows: Columns = NONE
    order: Columns = NONE

    @property
    def everything(self) -> Columns:
        return sources(self.columns) | self.rows | self.order


@dataclass
class Scope:
    """What operators of one plan share. `arranged` are the relations whose physical order depends
    on data (tables that a query made); the order of any other table is no column of it."""

    handlers: Mapping[str, Callable[[Node, "Scope"], Stream]]
    arranged: Container[tuple[str, str]] = ()
    bindings: dict[int, tuple[Flow, ...]] = field(default_factory=dict)
    ctes: dict[int, Stream] = field(default_factory=dict)
    correlated: list[Sequence[tuple[str, Flow]]] = field(default_factory=list)
    relations: set[tuple[str, str]] = field(default_factory=set)

    def walk(self, operator: Node) -> Stream:
        """The lineage of an operator. Raises UnsupportedConstruct for one that isn't known."""
        handler = self.handlers.get(operator["type"])
        if handler is None:
            raise UnsupportedConstruct(f"operator {operator['type']} is not supported")
        return handler(operator, self)

    def children(self, operator: Node, count: int) -> list[Stream]:
        """The lineage of the operator's inputs, which must be `count`."""
        inputs = operator.get("children", [])
        if len(inputs) != count:
            raise UnsupportedConstruct(f"{operator['type']} with {len(inputs)} inputs")
        return [self.walk(one) for one in inputs]

    def bind(self, table_index: int, columns: tuple[Flow, ...]) -> tuple[Flow, ...]:
        """Remember the columns under the plan's table number, for references not yet resolved."""
        self.bindings[table_index] = columns
        return columns
