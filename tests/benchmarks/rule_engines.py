"""Eligibility of ten nodes: one compiled scan against engines that judge one person at a time.

    python -m tests.benchmarks.rule_engines [PERSONS [SAMPLE]]

Each engine judges the same ten conditions over the same fields of a sample of persons, and must
give the same answers as our SQL; its CPU time is scaled to 1M persons. The engines are given
ready dictionaries: reading these from the warehouse and writing the answers back is not counted
for them, while ours counts the scan and the answer as a bit mask per person. Conditions are the
part of deciding that all four have; consent, caps, holdouts and the log are not in it.
"""

import resource
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import cedarpy
import duckdb
import zen
from json_logic import jsonLogic  # type: ignore[import-untyped]
from sqlglot import exp

from activation.decisions.literals import name
from activation.journeys.condition import Condition, parse_condition
from activation.journeys.evaluation import literal_value
from activation.journeys.fields import FieldType

FIELDS = {
    "status": FieldType.TEXT,
    "days_to_renewal": FieldType.INTEGER,
    "days_open": FieldType.INTEGER,
    "milestones_reached": FieldType.INTEGER,
    "days_since_last_milestone": FieldType.INTEGER,
    "account_age_days": FieldType.INTEGER,
    "score": FieldType.INTEGER,
    "has_active_motor": FieldType.BOOLEAN,
    "has_active_home": FieldType.BOOLEAN,
}

#: The sample's six conditions on one row per person, and four variants of them.
CONDITIONS = (
    "status = 'active' and days_to_renewal between 76 and 90",
    "status in ('open', 'in_review') and days_open between 3 and 6",
    "status in ('open', 'in_review') and days_open between 7 and 13",
    "milestones_reached < 5 and days_since_last_milestone >= 7 and account_age_days <= 90",
    "score in (1, 2) and days_open between 0 and 3",
    "has_active_motor and not has_active_home",
    "status = 'active' and days_to_renewal between 20 and 30",
    "milestones_reached < 2 and account_age_days > 90",
    "score = 3 and status = 'active'",
    "has_active_home and not has_active_motor",
)
_ZEN: dict[type[exp.Expr], str] = {
    exp.EQ: "==",
    exp.GT: ">",
    exp.GTE: ">=",
    exp.LT: "<",
    exp.LTE: "<=",
}
Row = dict[str, Any]
Answers = list[list[bool]]


def cpu_seconds(work: Callable[[], Any]) -> tuple[float, Any]:
    """CPU time of the process, user and system, and the result."""
    before = resource.getrusage(resource.RUSAGE_SELF)
    result = work()
    after = resource.getrusage(resource.RUSAGE_SELF)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, result


def as_zen(
    node: exp.Expr, field: str = "", joined: tuple[str, str, str] = ("and", "or", "not ")
) -> str:
    """The condition in zen's language; with `field` and `joined` given, in Cedar's."""
    both, either, no = joined

    def part(child: exp.Expr) -> str:
        return as_zen(child, field, joined)

    if isinstance(node, exp.And):
        return f"{part(node.this)} {both} {part(node.expression)}"
    if isinstance(node, exp.Or):
        return f"({part(node.this)} {either} {part(node.expression)})"
    if isinstance(node, exp.Not):
        return f"{no}({part(node.this)})"
    if isinstance(node, exp.Paren):
        return f"({part(node.this)})"
    if isinstance(node, exp.Column):
        return field + node.name
    if isinstance(node, exp.Between):
        low, high = part(node.args["low"]), part(node.args["high"])
        return f"{part(node.this)} >= {low} {both} {part(node.this)} <= {high}"
    if isinstance(node, exp.In):
        among = f" {either} ".join(f"{part(node.this)} == {part(one)}" for one in node.expressions)
        return f"({among})"
    if type(node) in _ZEN:
        return f"{part(node.this)} {_ZEN[type(node)]} {part(node.args['expression'])}"
    value = literal_value(node)
    return f'"{value}"' if isinstance(value, str) else str(value)


def as_json_logic(node: exp.Expr) -> Any:
    """The condition as JSON Logic."""
    if isinstance(node, exp.And | exp.Or):
        operator = "and" if isinstance(node, exp.And) else "or"
        return {operator: [as_json_logic(node.this), as_json_logic(node.expression)]}
    if isinstance(node, exp.Not):
        return {"!": [as_json_logic(node.this)]}
    if isinstance(node, exp.Paren):
        return as_json_logic(node.this)
    if isinstance(node, exp.Column):
        return {"var": node.name}
    if isinstance(node, exp.Between):
        ends = (as_json_logic(node.args["low"]), as_json_logic(node.args["high"]))
        return {"<=": [ends[0], as_json_logic(node.this), ends[1]]}
    if isinstance(node, exp.In):
        return {"in": [as_json_logic(node.this), [as_json_logic(one) for one in node.expressions]]}
    if type(node) in _ZEN:
        sides = [as_json_logic(node.this), as_json_logic(node.args["expression"])]
        return {_ZEN[type(node)]: sides}
    return literal_value(node)


def by_zen(conditions: Sequence[Condition], people: Sequence[Row]) -> Answers:
    """Expressions compiled once, evaluated for each person."""
    compiled = [zen.compile_expression(as_zen(one.expression)) for one in conditions]
    return [[bool(rule.evaluate(who)) for rule in compiled] for who in people]


def by_json_logic(conditions: Sequence[Condition], people: Sequence[Row]) -> Answers:
    """Rules built once, evaluated for each person."""
    rules = [as_json_logic(one.expression) for one in conditions]
    return [[bool(jsonLogic(rule, who)) for rule in rules] for who in people]


def by_cedar(conditions: Sequence[Condition], people: Sequence[Row]) -> Answers:
    """One policy a node; one batch of a request per person and node."""
    policies = "\n".join(
        f'permit(principal, action == Action::"n{number}", resource) when '
        f"{{ {as_zen(one.expression, 'context.', ('&&', '||', '!'))} }};"
        for number, one in enumerate(conditions)
    )
    requests = [
        {
            "principal": f'Person::"{position}"',
            "action": f'Action::"n{number}"',
            "resource": 'Node::"any"',
            "context": who,
        }
        for position, who in enumerate(people)
        for number in range(len(conditions))
    ]
    allowed = [one.allowed for one in cedarpy.is_authorized_batch(requests, policies, [])]
    width = len(conditions)
    return [allowed[start : start + width] for start in range(0, len(allowed), width)]


ENGINES: Mapping[str, tuple[Callable[[Sequence[Condition], Sequence[Row]], Answers], int]] = {
    "zen-engine": (by_zen, 1),
    "json-logic-qubit": (by_json_logic, 4),
    "cedarpy": (by_cedar, 10),
}


def main(persons: int, sample: int) -> None:
    """Judge everybody by SQL and a sample by each engine; print CPU seconds and ratios."""
    connection = duckdb.connect(config={"threads": 2})
    connection.execute(
        "create table person as select i as id, "
        "['active', 'open', 'in_review', 'lapsed'][1 + cast(hash(i) % 4 as integer)] as status, "
        + ", ".join(
            f"cast(hash(i + {seed} * {persons}) % {size} as integer) as {field}"
            for seed, (field, size) in enumerate(
                {
                    "days_to_renewal": 120,
                    "days_open": 20,
                    "milestones_reached": 6,
                    "days_since_last_milestone": 30,
                    "account_age_days": 200,
                    "score": 4,
                }.items(),
                start=1,
            )
        )
        + f", hash(i + 7 * {persons}) % 2 = 0 as has_active_motor, "
        f"hash(i + 8 * {persons}) % 2 = 0 as has_active_home from range({persons}) as r(i)"
    )
    conditions = [parse_condition(one, FIELDS) for one in CONDITIONS]
    bits = " | ".join(
        f"case when {one.sql(name)} then {1 << bit} else 0 end"
        for bit, one in enumerate(conditions)
    )
    runs = [
        cpu_seconds(
            lambda: connection.execute(
                f"create or replace table mask as select id, {bits} as eligible from person"
            )
        )[0]
        for _ in range(3)
    ]
    ours = min(runs) * 1e6 / persons
    masks = connection.execute(
        f"select eligible from mask where id < {sample} order by id"
    ).fetchall()
    found = connection.execute(
        f"select {', '.join(FIELDS)} from person where id < {sample} order by id"
    )
    people = [dict(zip(FIELDS, row, strict=True)) for row in found.fetchall()]
    expected = [[bool(mask >> bit & 1) for bit in range(len(conditions))] for (mask,) in masks]
    held = sum(map(sum, expected))
    print(f"{persons:,} persons x {len(conditions)} conditions; CPU s per 1M persons")
    print(f"mask SQL, all persons: {ours:.2f} (least of three)")
    for engine, (judge, share) in ENGINES.items():
        part = max(sample // share, 1)
        spent, answers = cpu_seconds(partial(judge, conditions, people[:part]))
        if answers != expected[:part]:
            raise SystemExit(f"{engine} gives other answers than the mask SQL")
        scaled = spent * 1e6 / part
        print(f"{engine}, {part:,} persons: {scaled:,.1f}, {scaled / ours:,.0f} x the mask SQL")
    print(
        "every engine gave the SQL's answers for its sample "
        f"({held:,} of {sum(map(len, expected)):,} hold)"
    )


if __name__ == "__main__":
    main(
        int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000,
        int(sys.argv[2]) if len(sys.argv) > 2 else 20_000,
    )
