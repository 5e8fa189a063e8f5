"""The gates of the decision contract, in their fixed order.

Bit i of a gate mask, `1 << i`, is set when gate i failed. A candidate keeps its first failing gate
as the reason, and the whole mask, so "why" and "why not" both have an answer. The order is part of
the release: to change it changes every decision.
"""

from enum import IntEnum, StrEnum


class Gate(IntEnum):
    """A gate and its place in the order."""

    CLOSED = 0
    ASSURANCE = 1
    RESIDENCY = 2
    FRESHNESS = 3
    REACHABLE = 4
    PERMIT = 5
    QUIET_HOURS = 6
    UNIVERSAL_HOLDOUT = 7
    HOLDOUT = 8
    ONCE = 9
    COOLDOWN = 10
    CAPS = 11
    EXCLUSION = 12
    VOLUME = 13
    APPROVAL = 14

    @property
    def bit(self) -> int:
        """The gate's bit in a mask."""
        return 1 << self


class Outcome(StrEnum):
    """What becomes of a candidate."""

    ACT = "act"
    DEFER = "defer"
    HOLD = "hold"
    WITHHOLD = "withhold"


#: Candidates that fail none of these compete for caps, exclusion groups and volume.
BEFORE_ARBITRATION = tuple(gate for gate in Gate if gate < Gate.CAPS)
