"""SQL text of constants and names: the only way a value of a journey gets into compiled SQL."""

import re
from datetime import UTC, datetime

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def text(value: str | None) -> str:
    """A varchar constant, or a typed null."""
    if value is None:
        return "cast(null as varchar)"
    return "'" + value.replace("'", "''") + "'"


def integer(value: int | None) -> str:
    """An integer constant, or a typed null."""
    return "cast(null as integer)" if value is None else str(value)


def boolean(value: bool) -> str:
    """A boolean constant."""
    return "true" if value else "false"


def instant(value: datetime | None) -> str:
    """A timestamptz constant in UTC, or a typed null. Raises ValueError for a naive time."""
    if value is None:
        return "cast(null as timestamptz)"
    return f"timestamptz {text(instant_text(value))}"


def instant_text(value: datetime) -> str:
    """ISO 8601 text in UTC with microseconds. Raises ValueError for a naive time."""
    if value.tzinfo is None:
        raise ValueError("a time without a zone is refused: pass an aware datetime")
    return value.astimezone(UTC).isoformat(timespec="microseconds")


def clock(value: str) -> str:
    """A constant time of day from HH:MM."""
    return f"time '{value}:00'"


def name(value: str) -> str:
    """A quoted identifier. Raises ValueError for anything but letters, digits and underscores."""
    if not _NAME.fullmatch(value):
        raise ValueError("a name in compiled SQL has letters, digits and underscores only")
    return f'"{value}"'


def values(items: list[str] | tuple[str, ...]) -> str:
    """Text constants in parentheses, for `in`; an empty list matches nothing."""
    return "(" + (", ".join(text(item) for item in items) or "cast(null as varchar)") + ")"
