"""How often and how patiently a batch is tried again within one run."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from random import SystemRandom


@dataclass(frozen=True)
class RetryPolicy:
    """Exponential back-off with jitter, bounded in attempts and in time.

    All times are seconds. A destination that asks for a longer wait than `max_wait` ends the run
    for it. `sleep`, `monotonic` and `jitter` (0 to 1) are given in so that tests take no time.
    """

    attempts: int = 4
    first_wait: float = 0.5
    max_wait: float = 30.0
    give_up_after: int = 3
    """Batches in a row of which nothing got through, before the destination counts as away."""
    sleep: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic
    jitter: Callable[[], float] = SystemRandom().random

    def wait_before(self, attempt: int, asked_for: float) -> float | None:
        """Seconds to wait before attempt 2, 3, ...; None if there should be none."""
        if attempt > self.attempts or asked_for > self.max_wait:
            return None
        ceiling = min(self.max_wait, self.first_wait * 2.0 ** (attempt - 2))
        return max(asked_for, ceiling * (0.5 + 0.5 * self.jitter()))
