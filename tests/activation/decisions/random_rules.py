"""Rules drawn from one seed: every limit, scope and exception that a journey or policy can have."""

from datetime import timedelta
from random import Random
from typing import Any

from activation.journeys import JourneySet, Node, Policies
from activation.journeys.node import Kind
from tests.activation.decisions.worlds import AS_OF, CHANNELS

_LEVELS = ("A", "B", "C", "D")


def random_rules(sample: JourneySet, seed: int) -> JourneySet:
    """Between six and twelve nodes made from the sample's, under policies of their own."""
    draw = Random(seed)
    groups = ["selling", "serving"][: draw.randint(0, 2)]
    nodes = [_node(draw, node, node.id, groups) for node in sample.nodes]
    for number in range(draw.randint(0, 6)):
        origin = draw.choice(sample.nodes)
        nodes.append(_node(draw, origin, f"extra_{number}", groups))
    policies = _policies(draw, nodes, groups)
    return JourneySet(tuple(sorted(nodes, key=lambda n: (n.priority, n.id))), policies)


def _node(draw: Random, origin: Node, name: str, groups: list[str]) -> Node:
    content = origin.model_dump()
    is_action = origin.kind is Kind.ACTION
    changes: dict[str, Any] = {
        "id": name,
        "priority": draw.randint(1, 4) * 10,
        "minimum_assurance": draw.choice(_LEVELS),
        "context_max_age_hours": draw.choice([24, 240, 800]),
        "residency": draw.choice([["uk"], ["eu"], ["uk", "eu"]]),
        "halted": draw.random() < 0.08,
        "expires": (AS_OF + timedelta(days=draw.choice([-1, 0, 1]))).date()
        if draw.random() < 0.1
        else None,
        "quiet_hours": _quiet(draw) if draw.random() < 0.4 else None,
        "experiment": {
            "id": f"{name}_holdout",
            "salt": f"{name}-{draw.randint(1000, 9999)}",
            "holdout_percent": draw.choice([0, 5, 33, 100]),
        }
        if draw.random() < 0.5
        else None,
        "exclusion_group": draw.choice(groups)
        if is_action and groups and draw.random() < 0.6
        else None,
    }
    content["action"] |= {
        "channels": draw.sample(CHANNELS, draw.randint(1, 5)),
        "approval": is_action and draw.random() < 0.15,
    }
    limits = {
        "once_per": content["limits"]["once_per"] if draw.random() < 0.6 else (),
        "cooldown": {"days": draw.choice([1, 7, 14])} if draw.random() < 0.4 else None,
        "volume": {"maximum": draw.choice([0, 3, 400, 10**6]), "days": draw.choice([1, 3, 9])}
        if draw.random() < 0.4
        else None,
    }
    content["limits"] = limits if is_action else {"volume": limits["volume"]}
    return Node.model_validate(content | changes)


def _quiet(draw: Random) -> dict[str, Any]:
    start, end = draw.sample(["00:00", "07:30", "12:00", "13:00", "20:00", "23:59"], 2)
    return {"start": start, "end": end, "channels": draw.sample(CHANNELS, draw.randint(1, 5))}


def _policies(draw: Random, nodes: list[Node], groups: list[str]) -> Policies:
    purposes = sorted({node.purpose for node in nodes})
    caps = [
        {
            "id": f"cap_{number}",
            "description": "A cap that was drawn.",
            "per": draw.choice(["person", "channel", "purpose", "node"]),
            "maximum": draw.choice([0, 1, 1, 2, 2, 3, 5]),
            "days": draw.choice([1, 3, 7, 21]),
            **_scope(draw, purposes, nodes),
        }
        for number in range(draw.randint(0, 5))
    ]
    return Policies.model_validate(
        {
            "quiet_hours": _quiet(draw),
            "universal_holdout": {
                "percent": draw.choice([0, 5, 50]),
                "salt": f"universal-{draw.randint(1000, 9999)}",
                "purposes": draw.sample(purposes, draw.randint(1, len(purposes))),
            }
            if draw.random() < 0.7
            else None,
            "caps": caps,
            "exclusion_groups": [
                {
                    "id": group,
                    "description": "A group that was drawn.",
                    "days": draw.choice([0, 1, 9]),
                }
                for group in groups
            ],
        }
    )


def _scope(draw: Random, purposes: list[str], nodes: list[Node]) -> dict[str, Any]:
    scope: dict[str, Any] = {}
    if draw.random() < 0.3:
        scope["purposes"] = draw.sample(purposes, draw.randint(1, 3))
    if draw.random() < 0.3:
        scope["except_purposes"] = draw.sample(purposes, 1)
    if draw.random() < 0.3:
        scope["channels"] = draw.sample(CHANNELS, draw.randint(1, 3))
    if draw.random() < 0.3:
        scope["nodes"] = [node.id for node in draw.sample(nodes, 3)]
    return scope
