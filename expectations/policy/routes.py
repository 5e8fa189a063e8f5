"""The way that a value takes: from the source that holds it to the column that has it."""

from collections import deque
from collections.abc import Callable, Mapping

from expectations.policy.graph import PolicyGraph
from expectations.policy.label import Label
from expectations.policy.lineage.edges import Column, RelationLineage

Key = tuple[str, str]


def root_path(
    lineages: Mapping[Key, RelationLineage], column: Column, follows: Callable[[Column], bool]
) -> tuple[Column, ...]:
    """The shortest way from a source to `column` on which `follows` holds for every input.

    By name among equally short ones; from the farthest input that follows, when no source does.
    """
    paths: deque[tuple[Column, ...]] = deque([(column,)])
    seen = {column}
    farthest: tuple[Column, ...] = (column,)
    while paths:
        path = paths.popleft()
        farthest = path
        lineage = lineages.get((path[0].schema, path[0].table))
        if lineage is None:
            return path
        name = path[0].name
        values = next((one.value for one in lineage.columns if one.name == name), frozenset())
        for one in sorted(values - seen):
            if follows(one):
                seen.add(one)
                paths.append((one, *path))
    return farthest


def leak(graph: PolicyGraph, column: Column, holds: Callable[[Label], bool]) -> tuple[Column, ...]:
    """The way on which what `holds` of a label came to the column."""
    lineages = {key: one.lineage for key, one in graph.relations.items() if one.lineage is not None}
    return root_path(lineages, column, lambda one: holds(graph.field(one).label))


def chosen_by(graph: PolicyGraph, key: Key, holds: Callable[[Label], bool]) -> tuple[Column, ...]:
    """The way of a column that chose the rows of a relation, or of one that it reads.

    The nearest such column; empty when none is known to hold it.
    """
    relations = deque([key])
    seen = {key}
    while relations:
        lineage = graph.relations[relations.popleft()].lineage
        if lineage is None:
            continue
        choosing = lineage.rows.union(*(one.selection for one in lineage.columns))
        for one in sorted(choosing):
            if (one.schema, one.table) in graph.relations and holds(graph.field(one).label):
                path = leak(graph, one, holds)
                if graph.relations[path[0].schema, path[0].table].lineage is None:
                    return path
        for read in sorted(lineage.relations - seen):
            seen.add(read)
            relations.append(read)
    return ()
