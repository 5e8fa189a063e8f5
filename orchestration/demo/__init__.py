"""The demo world: a simulated insurer whose systems export a landing zone as messy as a real one.

A pure function of (people, seed, as_of, day); `orchestration.demo.rates` holds every rate, with
what the sample export of the landing specification showed.
"""

from orchestration.demo.landing_zone import write_day, write_world
from orchestration.demo.summary import FileSummary, WorldSummary

__all__ = ["FileSummary", "WorldSummary", "write_day", "write_world"]
