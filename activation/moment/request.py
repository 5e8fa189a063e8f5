"""A request for decisions about one person, and the rules that it is decided under."""

from collections.abc import Collection, Set
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from activation.consent.regimes import RuleBook
from activation.decisions.contract import DecisionError
from activation.decisions.terms import Terms, Timetable
from activation.journeys.loading import JourneySet
from activation.release.release import Release


@dataclass(frozen=True)
class Rules:
    """What a person is decided under: a release's journeys and consent rules, and the nodes that
    an operator has stopped."""

    journeys: JourneySet
    release: Release
    regimes: RuleBook
    halted: Set[str] = field(default_factory=frozenset)

    @cached_property
    def timetable(self) -> Timetable:
        """The terms of these rules at any instant."""
        return Timetable(self.journeys, self.release.id, self.halted)


@dataclass(frozen=True)
class Request:
    """One request, as `DecisionPoint.decide_one` takes it."""

    person_id: str
    at: datetime
    nodes: Collection[str] | None = None
    purpose: str | None = None

    def under(self, rules: Rules) -> Terms:
        """What the rules come to for it. Raises DecisionError for a node or purpose that they do
        not have, ValueError for an instant without a zone."""
        known = {node.id for node in rules.journeys.nodes}
        if self.nodes is not None and (unknown := sorted(set(self.nodes) - known)):
            raise DecisionError(
                f"no node {unknown[0]} in the release. Fix: use one of {', '.join(sorted(known))}."
            )
        asked = frozenset(
            node.id
            for node in rules.journeys.nodes
            if (self.nodes is None or node.id in self.nodes)
            and self.purpose in (None, node.purpose)
        )
        if not asked:
            raise DecisionError(
                "no node has that purpose. Fix: see `purpose` in the journey files."
            )
        return rules.timetable.at(self.at, asked)
