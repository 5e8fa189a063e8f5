"""Why a column has its label: the proof, step by step from the sources."""

from collections.abc import Iterator

from expectations.policy.graph import Field, PolicyGraph
from expectations.policy.lineage.edges import Column
from expectations.policy.routes import leak


def find(graph: PolicyGraph, name: str) -> Field:
    """The field `[schema.]table.column`. Raises KeyError when there is none, or more than one."""
    *place, column = name.lower().split(".")
    found = [
        field
        for relation in graph.relations.values()
        for field in relation.fields
        if field.column.name == column
        and place in ([relation.table], [relation.schema, relation.table])
    ]
    if len(found) != 1:
        raise KeyError(name)
    return found[0]


def explained(graph: PolicyGraph, field: Field) -> Iterator[str]:
    """Lines of text: the label, for each part the way it came, and what chose the row."""
    label = field.label
    yield str(field.column)
    for category in sorted(label.categories):
        path = leak(graph, field.column, lambda one, c=category: c in one.categories)  # type: ignore[misc]
        yield f"  is {category}"
        yield from _steps(graph, path)
    yield f"  comes from {_words(label.origin)}"
    yield f"  may be processed in {_words(label.residency)}"
    yield f"  may be used for {_words(label.purposes)}"
    days = label.retention_days
    yield "  is kept without end" if days is None else f"  is kept {days} days"
    if days is not None:
        yield from _steps(graph, leak(graph, field.column, lambda one: one.retention_days == days))
    yield f"  its row was chosen by {_words(field.selection)}"


def _steps(graph: PolicyGraph, path: tuple[Column, ...]) -> Iterator[str]:
    for depth, column in enumerate(path):
        relation = graph.relations[column.schema, column.table]
        functions = ""
        if relation.lineage is not None:
            output = next(one for one in relation.lineage.columns if one.name == column.name)
            functions = f" by {', '.join(sorted(output.functions))}" if output.functions else ""
        arrow = "from" if depth == 0 else "->"
        yield f"    {arrow} {column}{functions}  ({relation.path})"


def _words(words: frozenset[str] | None) -> str:
    return "anything" if words is None else ", ".join(sorted(words)) or "nothing"
