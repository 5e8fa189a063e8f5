"""When rows and cells end, and where age can be judged downstream."""

from collections.abc import Mapping

from expectations.policy.event_times import retention_rules, root_columns
from expectations.policy.graph import Field, PolicyGraph, Relation
from expectations.policy.label import Label
from expectations.policy.lineage.edges import Column, OutputColumn, RelationLineage
from expectations.policy.retention import RetentionRule, rule_of

HAPPENED = {"happened": "TIMESTAMP WITH TIME ZONE"}


def _root(days: dict[str, int | None], key: str = "id", event: str | None = "at") -> Relation:
    fields = tuple(
        Field(
            Column("landing", "t", name), "varchar", Label(retention_days=limit), frozenset(), True
        )
        for name, limit in days.items()
    )
    return Relation("landing", "t", "source", fields, None, "t.yml", "customer", (key,), event)


def _derived(
    columns: dict[str, tuple[str, int | None]], types: Mapping[str, str] = HAPPENED
) -> Relation:
    """`columns`: name -> (the root column that it is, days)."""
    outputs = tuple(
        OutputColumn(
            name, "varchar", frozenset({Column("landing", "t", root)}), frozenset(), frozenset()
        )
        for name, (root, _) in columns.items()
    )
    fields = tuple(
        Field(
            Column("profiles", "d", name),
            types.get(name, "varchar"),
            Label(retention_days=days),
            frozenset(),
            False,
        )
        for name, (_, days) in columns.items()
    )
    lineage = RelationLineage(outputs, frozenset(), frozenset({("landing", "t")}))
    return Relation("profiles", "d", "model", fields, lineage, "d.sql")


def test_a_row_lives_as_long_as_its_longest_lived_column_and_cells_end_before_it() -> None:
    rule = rule_of(_root({"id": 100, "at": 100, "comment": 30, "score": 100}))
    assert rule == RetentionRule("landing.t", "at", 100, (("comment", 30),))


def test_a_row_does_not_outlive_its_key_or_its_event_time() -> None:
    assert rule_of(_root({"id": 50, "at": 100, "score": 200})) == RetentionRule(
        "landing.t", "at", 50, ()
    )
    assert rule_of(_root({"id": 200, "at": 40, "score": 200})) == RetentionRule(
        "landing.t", "at", 40, ()
    )


def test_without_a_limit_a_row_stays_and_only_limited_cells_end() -> None:
    assert rule_of(_root({"id": None, "at": None, "comment": 30})) == RetentionRule(
        "landing.t", "at", None, (("comment", 30),)
    )
    assert rule_of(_root({"id": None, "at": None})) is None


def test_without_an_event_time_nothing_can_be_judged() -> None:
    assert rule_of(_root({"id": 10, "at": 10}, event=None)) is None


def test_a_derived_relation_is_judged_by_the_event_time_that_it_carries_under_any_name() -> None:
    root = _root({"id": 100, "at": 100, "comment": 30})
    model = _derived({"happened": ("at", 100), "words": ("comment", 30)})
    graph = PolicyGraph({("landing", "t"): root, ("profiles", "d"): model})
    assert root_columns(graph)[Column("profiles", "d", "words")] == {
        Column("landing", "t", "comment")
    }
    assert retention_rules(graph) == [
        RetentionRule("landing.t", "at", 100, (("comment", 30),)),
        RetentionRule("profiles.d", "happened", None, (("happened", 100), ("words", 30))),
    ]


def test_a_derived_relation_without_the_event_time_has_no_rule_of_its_own() -> None:
    root = _root({"id": 100, "at": 100, "comment": 30})
    graph = PolicyGraph(
        {("landing", "t"): root, ("profiles", "d"): _derived({"words": ("comment", 30)})}
    )
    assert [rule.relation for rule in retention_rules(graph)] == ["landing.t"]


def test_a_number_computed_from_an_event_time_is_no_event_time() -> None:
    root = _root({"id": 100, "at": 100})
    model = _derived({"days_ago": ("at", 100), "happened": ("at", 100)}, {"days_ago": "INTEGER"})
    assert [rule.relation for rule in retention_rules(_graph(root, model))] == ["landing.t"]
    dated = _derived({"days_ago": ("at", 100), "happened": ("at", 100)})
    assert retention_rules(_graph(root, dated))[-1].event_time == "happened"


def test_of_two_instants_the_one_that_kept_its_name_counts() -> None:
    root = _root({"id": 100, "at": 100})
    types = {"a_year_later": "TIMESTAMP", "at": "TIMESTAMP"}
    model = _derived({"a_year_later": ("at", 100), "at": ("at", 100)}, types)
    assert retention_rules(_graph(root, model))[-1].event_time == "at"


def _graph(root: Relation, model: Relation) -> PolicyGraph:
    return PolicyGraph({("landing", "t"): root, ("profiles", "d"): model})
