"""Column lineage as a list of edges, and the way back: who reads a column."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from expectations.policy.graph import PolicyGraph
from expectations.policy.lineage.edges import Column

How = Literal["value", "selection", "rows"]
EVERY = "*"
"""In place of a column's name: every column of the relation, through its rows."""


@dataclass(frozen=True, order=True)
class Edge:
    """`target` depends on `source`: by its value, by what selected its value (`selection`), or by
    what decided which rows its relation has (`rows`; the target's name is then `*`)."""

    source: Column
    target: Column
    how: How


def edges(graph: PolicyGraph) -> Iterator[Edge]:
    """Every edge, in the order of the relations and their columns; sources in their own order."""
    for relation in graph.relations.values():
        if relation.lineage is None:
            continue
        for output in relation.lineage.columns:
            target = Column(relation.schema, relation.table, output.name)
            kinds: tuple[tuple[How, frozenset[Column]], ...] = (
                ("value", output.value),
                ("selection", output.selection),
            )
            for how, sources in kinds:
                for source in sorted(sources):
                    yield Edge(source, target, how)
        every = Column(relation.schema, relation.table, EVERY)
        for source in sorted(relation.lineage.rows):
            yield Edge(source, every, "rows")


def readers(graph: PolicyGraph) -> Mapping[Column, tuple[Edge, ...]]:
    """Column -> the edges by which other columns depend on its value or are selected by it.

    `rows` edges are left out: they concern a relation as a whole, not one column of it.
    """
    found: dict[Column, list[Edge]] = defaultdict(list)
    for edge in edges(graph):
        if edge.how != "rows":
            found[edge.source].append(edge)
    return {column: tuple(one) for column, one in found.items()}
