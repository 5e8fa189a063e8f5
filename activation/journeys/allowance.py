"""What journeys and the limits across them allow, in the form in which revisions are compared."""

from collections.abc import Iterator

from sqlglot import exp

from activation.journeys.condition import Condition
from activation.journeys.loading import JourneySet
from activation.journeys.node import Node
from activation.journeys.policies import Cap, Policies
from activation.journeys.strict import QuietHours
from expectations.policy.allowance import Allowance, Allowances

_DAY = 24 * 60


def journey_allowances(journeys: JourneySet) -> Allowances:
    """`journey <id>` for each node, and each limit of policies.yml by its name.

    A rule that drops or changes one of the conditions it joins by `and` may choose more people, so
    that is told, whatever the new one says. `repetitions` are the dates per which a node acts on a
    subject once more.
    """
    policies = journeys.policies
    nodes = sorted(journeys.nodes, key=lambda node: node.id)
    return {f"journey {node.id}": _node(node, policies) for node in nodes} | dict(_limits(policies))


def _node(node: Node, policies: Policies) -> Allowance:
    limits, action = node.limits, node.action
    most = {
        "minimum_assurance": node.minimum_assurance.value,
        "context_max_age_hours": node.context_max_age_hours,
        "valid_hours": action.valid_hours,
        "volume": limits.volume and limits.volume.maximum,
        "expires": node.expires,
    }
    least = {
        "cooldown days": limits.cooldown and limits.cooldown.days,
        "days of the volume": limits.volume and limits.volume.days,
        "holdout percent": node.experiment and node.experiment.holdout_percent,
    }
    return Allowance(
        named={
            "purpose": node.purpose,
            "context": node.context,
            "kind": node.kind.value,
            "subject": node.subject,
            "action": action.name,
            "template": action.template,
            "destination": action.destination,
        },
        allowed={
            "fields": frozenset(node.fields),
            "payload": frozenset(action.payload),
            "channels": frozenset(action.channels),
            "residency": frozenset(node.residency),
            "repetitions": frozenset(limits.once_per[1:]) if limits.once_per else None,
        },
        asked={
            "conditions": frozenset(conjuncts(node.condition)),
            "safeguards": frozenset(_safeguards(node)),
        },
        most={name: bound for name, bound in most.items() if bound is not None},
        least={name: bound for name, bound in least.items() if bound is not None},
        silent=_silent(node.quiet_hours or policies.quiet_hours, node),
    )


def conjuncts(condition: Condition) -> Iterator[str]:
    """The conditions that a rule joins by `and`, as SQL."""
    waiting = [condition.expression]
    while waiting:
        one = waiting.pop()
        if isinstance(one, exp.Paren):
            waiting.append(one.this)
        elif isinstance(one, exp.And):
            waiting += [one.this, one.expression]
        else:
            yield one.sql(dialect="duckdb")


def _safeguards(node: Node) -> Iterator[str]:
    if node.needs_approval:
        yield "approval by a person"
    if node.halted:
        yield "the halt"
    if node.exclusion_group:
        yield f"exclusion group {node.exclusion_group}"


def _silent(quiet: QuietHours, node: Node) -> dict[str, frozenset[int]]:
    start, end = (int(clock[:2]) * 60 + int(clock[3:]) for clock in (quiet.start, quiet.end))
    minutes = frozenset((start + passed) % _DAY for passed in range((end - start) % _DAY))
    return {
        channel: minutes if channel in quiet.channels else frozenset()
        for channel in node.action.channels
    }


def _limits(policies: Policies) -> Iterator[tuple[str, Allowance]]:
    for cap in policies.caps:
        yield (
            f"cap {cap.id}",
            Allowance(
                named={"counting": f"per {cap.per} over {_scope(cap)}"},
                most={"maximum": cap.maximum},
                least={"days": cap.days},
                is_limit=True,
            ),
        )
    for group in policies.exclusion_groups:
        yield f"exclusion group {group.id}", Allowance(least={"days": group.days}, is_limit=True)
    if (holdout := policies.universal_holdout) is not None:
        yield (
            "universal holdout",
            Allowance(
                least={"percent": holdout.percent},
                asked={"purposes": frozenset(holdout.purposes)},
                is_limit=True,
            ),
        )


def _scope(cap: Cap) -> str:
    parts = (
        ("purposes", cap.purposes),
        ("all but", cap.except_purposes),
        ("channels", cap.channels),
        ("nodes", cap.nodes),
    )
    return ", ".join(f"{word} {' and '.join(sorted(of))}" for word, of in parts if of) or "all"
