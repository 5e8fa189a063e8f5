"""Journeys for tests that use every limit there is, made from the sample's."""

from typing import Any

from activation.decisions import Release
from activation.journeys import JourneySet, Node, Policies


def changed(journeys: JourneySet, node_id: str, **changes: Any) -> JourneySet:
    """The same journeys with some top-level fields of one node replaced; checked anew."""
    nodes = tuple(
        Node.model_validate(node.model_dump() | changes) if node.id == node_id else node
        for node in journeys.nodes
    )
    return JourneySet(tuple(sorted(nodes, key=lambda n: (n.priority, n.id))), journeys.policies)


def with_policies(journeys: JourneySet, **changes: Any) -> JourneySet:
    """The same journeys under other policies."""
    dumped = journeys.policies.model_dump(mode="json") | changes
    return JourneySet(journeys.nodes, Policies.model_validate(dumped))


def every_limit(journeys: JourneySet) -> JourneySet:
    """Caps of each unit and scope, an exclusion group, volumes, halts, odd quiet hours."""
    result = changed(
        journeys,
        "renewal_reminder_day_90",
        exclusion_group="selling",
        limits={"once_per": ["subject", "renews_on"], "volume": {"maximum": 2, "days": 3}},
        quiet_hours={"start": "09:00", "end": "13:00", "channels": ["email"]},
    )
    result = changed(
        result,
        "onboarding_nudge_stalled",
        exclusion_group="selling",
        priority=40,
        residency=["uk"],
        limits={"cooldown": {"days": 14}, "volume": {"maximum": 3}},
    )
    result = changed(result, "claim_update_day_7", halted=True)
    cap = {"description": "A cap of a test."}
    return with_policies(
        result,
        universal_holdout={
            "percent": 30,
            "salt": "universal-2026",
            "purposes": ["marketing", "renewal"],
        },
        caps=[
            {
                "id": "person",
                "per": "person",
                "maximum": 2,
                "days": 7,
                "except_purposes": ["claims_service"],
                **cap,
            },
            {"id": "channel", "per": "channel", "maximum": 1, "days": 3, **cap},
            {
                "id": "purpose",
                "per": "purpose",
                "maximum": 1,
                "days": 5,
                "purposes": ["renewal"],
                **cap,
            },
            {
                "id": "node",
                "per": "node",
                "maximum": 1,
                "days": 2,
                "nodes": ["onboarding_nudge_stalled"],
                **cap,
            },
            {
                "id": "text_messages",
                "per": "person",
                "maximum": 1,
                "days": 30,
                "channels": ["sms"],
                **cap,
            },
        ],
        exclusion_groups=[{"id": "selling", "description": "One offer at a time.", "days": 4}],
    )


def release_of(name: str) -> Release:
    """A release with an id of its own and no recorded nodes."""
    return Release(name, "", {"journeys": {}})
