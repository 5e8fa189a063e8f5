"""Two releases compared: the rules that differ, and the decisions that differ."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from activation.release.decision_diff import CHANGES, DecisionDiff
from activation.release.rule_diff import RuleChange


@dataclass(frozen=True)
class ReleaseDiff:
    """What `assent release diff` found. `as_of` is the time of the inputs both decided about.

    `notes` are what a reader must know to read the figures right.
    """

    before: str
    after: str
    as_of: datetime
    inputs: str
    rules: tuple[RuleChange, ...]
    decisions: DecisionDiff
    notes: tuple[str, ...] = ()

    def sentence(self) -> str:
        """The outcome in one line."""
        counted = [f"{self.decisions.total(change):,} {change}" for change in CHANGES]
        same = sum(one.same for one in self.decisions.nodes)
        return f"{', '.join(counted)}, {same:,} decided the same"

    def as_dict(self) -> dict[str, Any]:
        """The same as plain values, for JSON."""
        return asdict(self) | {"as_of": self.as_of.isoformat(), "summary": self.sentence()}
