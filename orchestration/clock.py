"""The time that a home decides at: given in words, standing still, or the real one."""

from datetime import UTC, datetime
from pathlib import Path

from orchestration.environment import Home


class TimeError(ValueError):
    """A time without an offset, or not a time at all."""


def parse_time(text: str) -> datetime:
    """An ISO 8601 time with an offset, as UTC. Raises TimeError that shows the form wanted."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise TimeError(
            f"as-of {text!r} is not ISO 8601; write 2026-11-20T06:00:00+00:00"
        ) from error
    if moment.tzinfo is None:
        raise TimeError(f"as-of {text!r} has no offset; write {text}+00:00 for UTC")
    return moment.astimezone(UTC)


def clock_file(home: Home) -> Path:
    """Where a home whose clock stands still (the demo world) keeps its time."""
    return home.path / "as_of"


def current_time(home: Home, now: datetime | None = None) -> datetime:
    """The home's time: the demo world's, which stands still, or else `now` (the real time)."""
    fixed = clock_file(home)
    if fixed.exists():
        return parse_time(fixed.read_text(encoding="utf-8").strip())
    return (now or datetime.now(UTC)).astimezone(UTC).replace(microsecond=0)
