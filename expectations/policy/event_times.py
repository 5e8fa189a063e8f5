"""Event times of derived relations, by lineage: where age can be judged downstream, it is.

A derived column's age counts from the event time of the root that its value comes from. Where the
relation carries that event time itself, under whatever name, its cells can be checked.
"""

from collections.abc import Iterator

from expectations.policy.graph import PolicyGraph, Relation
from expectations.policy.lineage.edges import Column
from expectations.policy.retention import RetentionRule, rule_of

_TIMES = ("date", "timestamp")
_Roots = dict[Column, frozenset[Column]]


def retention_rules(graph: PolicyGraph) -> list[RetentionRule]:
    """One rule per root that ends, and per derived relation and event time that it carries."""
    roots = root_columns(graph)
    rules = []
    for relation in graph.relations.values():
        if relation.lineage is None:
            rule = rule_of(relation)
            rules += [rule] if rule else []
        else:
            rules += list(_derived_rules(graph, relation, roots))
    return rules


def root_columns(graph: PolicyGraph) -> _Roots:
    """The root columns that the value of each column of the project is computed from."""
    found: _Roots = {}
    for relation in graph.relations.values():
        for field in relation.fields:
            if relation.lineage is None:
                found[field.column] = frozenset({field.column})
        if relation.lineage is not None:
            for output in relation.lineage.columns:
                column = Column(relation.schema, relation.table, output.name)
                sources = (found.get(one, frozenset({one})) for one in output.value)
                found[column] = frozenset().union(*sources)
    return found


def _derived_rules(
    graph: PolicyGraph, relation: Relation, roots: _Roots
) -> Iterator[RetentionRule]:
    for carried, root in _carried_event_times(graph, relation, roots):
        cells = [
            (field.column.name, field.label.retention_days)
            for field in relation.fields
            if field.label.retention_days is not None
            and {(one.schema, one.table) for one in roots.get(field.column, ())}
            == {(root.schema, root.table)}
        ]
        if cells:
            yield RetentionRule(relation.name, carried, None, tuple(sorted(cells)))


def _carried_event_times(
    graph: PolicyGraph, relation: Relation, roots: _Roots
) -> Iterator[tuple[str, Relation]]:
    events = {
        Column(one.schema, one.table, one.event_time): one
        for one in graph.relations.values()
        if one.lineage is None and one.event_time is not None
    }
    seen: set[str] = set()
    # Of several columns that come from an event time the one that kept its name is it.
    own_names = {column.name for column in events}
    for field in sorted(relation.fields, key=lambda one: one.column.name not in own_names):
        if not field.type.lower().startswith(_TIMES):
            continue  # how many days ago it was, its weekday: no instant to count from
        sources = roots.get(field.column, frozenset())
        if len(sources) == 1:
            (source,) = sources
            if source in events and events[source].name not in seen:
                seen.add(events[source].name)
                yield field.column.name, events[source]
