"""Limits that hold across journeys: caps, exclusion groups, universal holdout, quiet hours."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from activation.journeys.names import Channel, Identifier, Sentence
from activation.journeys.strict import Percent, QuietHours, Salt, Strict


class CapUnit(StrEnum):
    """What a cap counts by, always within one person."""

    PERSON = "person"
    CHANNEL = "channel"
    PURPOSE = "purpose"
    NODE = "node"


class Cap(Strict):
    """At most `maximum` acts in `days` days per person, or per person and channel, ...

    An empty scope list means all. What is out of scope neither counts nor is capped.
    """

    id: Identifier
    description: Sentence
    per: CapUnit
    maximum: Annotated[int, Field(ge=0, le=1_000)]
    days: Annotated[int, Field(ge=1, le=366)]
    purposes: tuple[Identifier, ...] = ()
    except_purposes: tuple[Identifier, ...] = ()
    channels: tuple[Channel, ...] = ()
    nodes: tuple[Identifier, ...] = ()


class ExclusionGroup(Strict):
    """Nodes of which at most one acts on a person: the one that goes first.

    An act of the last `days` days also excludes; 0 looks at the same run only.
    """

    id: Identifier
    description: Sentence
    days: Annotated[int, Field(ge=0, le=366)] = 0


class UniversalHoldout(Strict):
    """A share of persons on whom no node of the purposes acts, to measure all of them together."""

    percent: Percent
    salt: Salt
    purposes: tuple[Identifier, ...]


class Policies(Strict):
    """Everything in policies.yml."""

    quiet_hours: QuietHours
    universal_holdout: UniversalHoldout | None = None
    caps: tuple[Cap, ...] = ()
    exclusion_groups: tuple[ExclusionGroup, ...] = ()
