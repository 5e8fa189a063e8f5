"""What journeys, syncs, limits and rules of consent let happen, told apart by what would be looser.

Each part of an allowance has one direction, so two revisions can be compared without knowing what
the parts mean. Where a change has no direction (another region, another template) it is told.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from typing import Any

_DAY = 24 * 60


@dataclass(frozen=True)
class Allowance:
    """One thing that is allowed or, as `is_limit`, one that limits all others; parts by name.

    `named` is told whenever it changes. More of `allowed` is looser (None: there is no limit), less
    of `asked`. A bound in `most` is looser when it rises or goes, one in `least` when it falls or
    goes. What stands in `until` holds up to that day, so it is looser when it is new or ends later.
    `silent` are the minutes of the local day in which a channel that is used sends nothing.
    """

    named: Mapping[str, str] = field(default_factory=dict)
    allowed: Mapping[str, frozenset[str] | None] = field(default_factory=dict)
    asked: Mapping[str, frozenset[str]] = field(default_factory=dict)
    most: Mapping[str, Any] = field(default_factory=dict)
    least: Mapping[str, Any] = field(default_factory=dict)
    until: Mapping[str, date] = field(default_factory=dict)
    silent: Mapping[str, frozenset[int]] = field(default_factory=dict)
    is_limit: bool = False


Allowances = Mapping[str, Allowance]


def looser(before: Allowances, after: Allowances) -> Iterator[tuple[str, list[str]]]:
    """Each name with how it lets more happen than before, in words; in the order of `after`.

    What is new is told whole, and a limit that is gone; a limit that is new is none of it.
    """
    for name, now in after.items():
        was = before.get(name)
        if was is not None:
            yield name, _changed(was, now)
        elif not now.is_limit:
            yield name, [f"is new: {'; '.join(_told(now))}"]
    for name, was in before.items():
        if was.is_limit and name not in after:
            yield name, ["holds no more"]


def _told(one: Allowance) -> Iterator[str]:
    yield from (f"{name} {value}" for name, value in one.named.items())
    for part in (one.allowed, one.asked):
        yield from (f"{name} {_listed(values)}" for name, values in part.items() if values)
    yield from (f"{name} until {day}" for name, day in one.until.items())


def _changed(was: Allowance, now: Allowance) -> list[str]:
    return [
        *(
            f"{name} is {value} instead of {was.named.get(name, 'nothing')}"
            for name, value in now.named.items()
            if was.named.get(name) != value
        ),
        *_gains(was.allowed, now.allowed),
        *(
            f"{name} lose {_listed(lost)}"
            for name, values in was.asked.items()
            if (lost := values - now.asked.get(name, frozenset()))
        ),
        *_bounds(was.most, now.most, rises=True),
        *_bounds(was.least, now.least, rises=False),
        *_ends(was.until, now.until),
        *(
            f"{name} is no longer silent {_hours(spoken)}"
            for name, minutes in now.silent.items()
            if (spoken := was.silent.get(name, frozenset()) - minutes)
        ),
    ]


def _gains(
    was: Mapping[str, frozenset[str] | None], now: Mapping[str, frozenset[str] | None]
) -> Iterator[str]:
    for name, values in now.items():
        old = was.get(name, frozenset())
        if old is None:
            continue
        if values is None:
            yield f"{name} are no longer limited"
        elif added := values - old:
            yield f"{name} gain {_listed(added)}"


def _bounds(was: Mapping[str, Any], now: Mapping[str, Any], *, rises: bool) -> Iterator[str]:
    for name, old in was.items():
        new = now.get(name)
        if new is None:
            yield f"{name} was {old} and is no longer limited"
        elif new > old if rises else new < old:
            yield f"{name} is {new} instead of {old}"


def _ends(was: Mapping[str, date], now: Mapping[str, date]) -> Iterator[str]:
    for name, end in now.items():
        if name not in was:
            yield f"{name} is new and holds until {end}"
        elif end > was[name]:
            yield f"{name} holds until {end} instead of {was[name]}"


def _hours(minutes: Iterable[int]) -> str:
    """Minutes of a day as ranges: `from 20:00 to 21:30`."""
    found = sorted(minutes)
    starts = [found[0], *(later for one, later in pairwise(found) if later != one + 1)]
    ends = [*(one for one, later in pairwise(found) if later != one + 1), found[-1]]
    return ", ".join(
        f"from {_clock(start)} to {_clock(end + 1)}"
        for start, end in zip(starts, ends, strict=True)
    )


def _clock(minute: int) -> str:
    return f"{minute % _DAY // 60:02}:{minute % 60:02}"


def _listed(words: Iterable[str]) -> str:
    return ", ".join(sorted(words))
