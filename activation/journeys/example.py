"""The worked cases of a node: they run through the real compiled SQL."""

from typing import Annotated, Any

from pydantic import Field

from activation.journeys.names import Assurance, Channel, Identifier, LocalTime, Residency, Sentence
from activation.journeys.strict import Strict


class ExampleState(Strict):
    """State of the person in an example, where it differs from: all is well, at noon."""

    reachable: tuple[Channel, ...] = tuple(Channel)
    permitted: tuple[Channel, ...] = tuple(Channel)
    refusal: Identifier = "withdrawn"
    assurance: Assurance = Assurance.A
    residency: Residency = Residency.UK
    context_age_hours: Annotated[int, Field(ge=0)] = 0
    local_time: LocalTime = "12:00"
    held_out: bool = False
    approved: bool = False
    acted_days_ago: Annotated[int, Field(ge=0)] | None = None


class Expected(Strict):
    """What the compiled node must decide: nothing at all, or a reason code."""

    candidate: bool = True
    reason: Identifier | None = None
    channel: Channel | None = None


class Example(Strict):
    """One worked case of the node; run through the real compiled SQL."""

    name: Sentence
    given: dict[Identifier, Any]
    state: ExampleState = ExampleState()
    expect: Expected
