"""The demo world in a home: its landing zone, and a clock that stands at the world's time."""

from datetime import datetime

from orchestration.clock import clock_file
from orchestration.demo.landing_zone import write_world
from orchestration.demo.summary import WorldSummary
from orchestration.environment import Home


def simulate(home: Home, *, people: int, seed: int, as_of: datetime, days: int = 0) -> WorldSummary:
    """Write the world into the home's landing zone, and the home's clock beside it.

    Raises FileExistsError when the landing zone holds something already.
    """
    summary = write_world(
        home.landing,
        people=people,
        seed=seed,
        as_of=as_of,
        days=days,
        truth=home.path / "truth" / "identity.csv",
    )
    clock_file(home).write_text(as_of.isoformat() + "\n", encoding="utf-8")
    return summary
