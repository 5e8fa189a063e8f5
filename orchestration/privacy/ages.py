"""Looks through the whole warehouse for what is older than its label allows.

The rules come from the policy graph, so a model that carries an event time under another name, or
over several steps, is looked through by the labels that were inferred for it. Nothing is removed
here: landing is purged by its own labels, and what is derived is built again.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

import duckdb

from expectations.policy.event_times import retention_rules
from expectations.policy.graph import PolicyGraph
from expectations.policy.retention import RetentionRule
from orchestration.landing.expiry import count_over_age
from orchestration.warehouse import has_table


@dataclass(frozen=True)
class AgeCheck:
    """What was looked at and what was found.

    `looked_at` are relations and the event time that each was judged by, `over_age` cells that are
    too old, by relation. `without_event_time` are relations that hold cells which end but carry no
    event time to judge them by: they are as young as what they are built from.
    """

    looked_at: tuple[tuple[str, str], ...]
    over_age: Mapping[str, int]
    without_event_time: tuple[str, ...]

    def as_dict(self) -> dict[str, object]:
        """For JSON: names and counts."""
        return {
            "looked_at": [{"relation": name, "event_time": at} for name, at in self.looked_at],
            "over_age": dict(self.over_age),
            "without_event_time": list(self.without_event_time),
        }


def check_ages(
    connection: duckdb.DuckDBPyConnection, graph: PolicyGraph, as_of: datetime
) -> AgeCheck:
    """Count the cells that are over-age at `as_of`, in every relation there is to judge."""
    rules = [rule for rule in retention_rules(graph) if _is_there(connection, rule.relation)]
    counts: dict[str, int] = {}
    for rule in rules:
        counts[rule.relation] = counts.get(rule.relation, 0) + count_over_age(
            connection, rule, as_of
        )
    judged = sorted({(rule.relation, rule.event_time) for rule in rules})
    ending = {name for name in _ending(graph) if _is_there(connection, name)}
    return AgeCheck(
        looked_at=tuple(judged),
        over_age={name: count for name, count in sorted(counts.items()) if count},
        without_event_time=tuple(sorted(ending - _judged_names(rules))),
    )


def _is_there(connection: duckdb.DuckDBPyConnection, relation: str) -> bool:
    schema, table = relation.split(".")
    return has_table(connection, schema, table)


def _ending(graph: PolicyGraph) -> Iterator[str]:
    for relation in graph.relations.values():
        if any(field.label.retention_days is not None for field in relation.fields):
            yield relation.name


def _judged_names(rules: list[RetentionRule]) -> set[str]:
    return {rule.relation for rule in rules}
