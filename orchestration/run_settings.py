"""What one run is told: where its landing zone and its home are, and at what time it decides."""

from datetime import datetime
from pathlib import Path

import dagster as dg

from orchestration import environment
from orchestration.clock import current_time, parse_time
from orchestration.environment import Home


class RunSettings(dg.ConfigurableResource):
    """The run's parameters, the same from the CLI, a schedule, a sensor and the launchpad.

    `as_of` is ISO 8601 with an offset; empty means the home's own clock (see `current_time`).
    """

    home: str = ""
    landing: str = ""
    as_of: str = ""

    def resolved_home(self) -> Home:
        return environment.home(
            Path(self.home) if self.home else None, Path(self.landing) if self.landing else None
        )

    def time(self) -> datetime:
        return parse_time(self.as_of) if self.as_of else current_time(self.resolved_home())
