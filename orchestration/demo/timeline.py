"""Time in the demo world: everything has a moment, and an export is a window over the moments."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from orchestration.demo.columns import DAY, rows_of
from orchestration.demo.rates import LATE_SHARE


@dataclass(frozen=True)
class Period:
    """When rows come into being: seconds since 1970 (UTC). `start` None: long before, each entity
    knows how long.

    `day` is 0 for the base world, and numbers the days after it.
    """

    day: int
    start: int | None
    end: int

    def moments(
        self, rng: np.random.Generator, size: int, days: float, gap_days: float = 0.0
    ) -> np.ndarray:
        """Moments (int64 seconds) uniform over the period; for the base world over the `days`
        before `gap_days`.
        """
        if self.start is not None:
            return rng.integers(self.start + 1, self.end + 1, size)
        return rng.integers(int(self.end - days * DAY), int(self.end - gap_days * DAY), size)


@dataclass(frozen=True)
class Window:
    """What an export shows: moments after `after` (None: from the beginning) and up to `until`,
    seconds since 1970.
    """

    after: int | None
    until: int

    def holds(self, moments: np.ndarray) -> np.ndarray:
        """Mask of the moments inside the window."""
        inside = moments <= self.until
        return inside if self.after is None else inside & (moments > self.after)

    def holds_days(self, days: np.ndarray) -> np.ndarray:
        """Mask of the days (since 1970) that begin inside the window, the day of `until` among
        them.
        """
        inside = days <= self.until // DAY
        return inside if self.after is None else inside & (days > self.after // DAY)


def schedule(
    rng: np.random.Generator, eligible: np.ndarray, share: float, at_least: int
) -> np.ndarray:
    """On which day (1, 2, ...) something happens to each row; 0 for rows that are not eligible.

    Every day gets the same number of rows, max(at_least, share of the eligible), until none is
    left: so even a small world has something happen each day.
    """
    chosen = np.flatnonzero(eligible)
    per_day = max(at_least, round(share * len(chosen)))
    days = np.zeros(len(eligible), dtype=np.int64)
    days[rng.permutation(chosen)] = 1 + np.arange(len(chosen)) // per_day
    return days


def moment_on(rng: np.random.Generator, days: np.ndarray, end: int) -> np.ndarray:
    """A moment (seconds) on each row's day after `end`; a far future where the day is 0."""
    moments = end + (days - 1) * DAY + rng.integers(1, DAY + 1, len(days))
    return np.where(days > 0, moments, np.iinfo(np.int64).max)


@dataclass(frozen=True, eq=False)
class Occurrences:
    """Rows that happen once and never change, with their moments (seconds), some of which arrive a
    day late.
    """

    table: pa.Table
    moment: np.ndarray
    late: np.ndarray

    def export(self, window: Window) -> pa.Table:
        """The rows of the window that arrive in time, by moment; a first export has what was late
        before its day.
        """
        arrived = ~self.late
        if window.after is None:
            arrived |= self.moment <= window.until - DAY
        return self._rows(window.holds(self.moment) & arrived)

    def latecomers(self, window: Window) -> pa.Table:
        """The rows that happened a day before the window and arrive only now."""
        return self._rows(self.late & window.holds(self.moment + DAY))

    def _rows(self, shown: np.ndarray) -> pa.Table:
        positions = np.flatnonzero(shown)
        return rows_of(self.table, positions[np.argsort(self.moment[positions], kind="stable")])


def in_time(table: pa.Table, moment: np.ndarray) -> Occurrences:
    """Occurrences of which none is late."""
    return Occurrences(table, moment, np.zeros(len(moment), dtype=bool))


def some_late(
    rng: np.random.Generator, table: pa.Table, moment: np.ndarray, period: Period
) -> Occurrences:
    """Occurrences of which a small share is late, the period's newest among them: so even a small
    world has some.
    """
    late = rng.random(len(moment)) < LATE_SHARE
    if len(moment):
        late[np.argmax(np.where(moment <= period.end, moment, 0))] = True
    return Occurrences(table, moment, late)
