"""What a contract's rule came to, in three states: a rule that could not be judged did not pass."""

from dataclasses import dataclass
from typing import Literal

State = Literal["passed", "failed", "not_evaluated"]


@dataclass(frozen=True)
class Outcome:
    """One rule of one contract in one run.

    `unexpected` counts the rows that broke the rule (null when the rule is about the table as a
    whole); `observed` is a number such as the row count; `sample` holds keys only, never values.
    """

    table: str
    rule: str
    description: str
    state: State
    blocking: bool
    observed: str | None = None
    unexpected: int | None = None
    sample: tuple[str, ...] = ()
    error: str | None = None

    @property
    def closes_gate(self) -> bool:
        return self.blocking and self.state != "passed"


def gate_state(outcomes: list[Outcome]) -> State:
    """A gate is open only when every blocking rule passed."""
    closing = [outcome for outcome in outcomes if outcome.closes_gate]
    if not outcomes or any(outcome.state == "not_evaluated" for outcome in closing):
        return "not_evaluated"
    return "failed" if closing else "passed"
