"""The figures of one sync run."""

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass
class SyncReport:
    """What became of every row that the run planned to send or to remove.

    planned = sent + removed + withheld + failed + in_doubt + not_attempted. `unchanged` rows and
    rows `parked` since the destination refused them for good are not planned. Counts are rows.
    """

    sync: str
    run_id: str
    planned: int = 0
    sent: int = 0
    removed: int = 0
    unchanged: int = 0
    parked: int = 0
    withheld: Counter[str] = field(default_factory=Counter)
    """By reason: a restricting action of the ledger, a fault of the row, or a guard."""
    failures: Counter[str] = field(default_factory=Counter)
    """By error class."""
    in_doubt: int = 0
    """Rows of which an attempt had no outcome, also if a later attempt was withheld or not made."""
    not_attempted: int = 0
    overdue_removals: int = 0
    """Removals asked for by a person that the destination hasn't acknowledged: each is an alarm."""
    reconciled: int = 0
    """Rows that an earlier run had left without an outcome, and that were found delivered."""
    refusals: list[str] = field(default_factory=list)
    """Why the labels of the fields forbid what would leave: field, reason and fix."""
    stopped: str | None = None
    """Why the run ended early: an error class, or `unreachable`."""
    calls: int = 0
    seconds: float = 0.0

    @property
    def failed(self) -> int:
        return self.failures.total()

    def balances(self) -> bool:
        """Whether every planned row has exactly one end."""
        ends = self.sent + self.removed + self.withheld.total() + self.failed
        return self.planned == ends + self.in_doubt + self.not_attempted

    def as_dict(self) -> dict[str, Any]:
        """The report for JSON."""
        return asdict(self) | {
            "withheld": dict(sorted(self.withheld.items())),
            "failures": dict(sorted(self.failures.items())),
            "failed": self.failed,
        }
