"""Plain Python form of the canonical text: equal to what the compiled SQL writes."""

import json
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from activation.decisions.literals import instant_text

_WRITTEN: tuple[tuple[type, Callable[[Any], str]], ...] = (
    (bool, lambda value: "true" if value else "false"),
    (datetime, instant_text),
    (date, date.isoformat),
    (Decimal, lambda value: format(value, "f")),
    (int, str),
)


def field_text(value: object) -> str | None:
    if value is None:
        return None
    if isinstance(value, str):
        return "".join(_replaced(character) for character in value)
    for kind, write in _WRITTEN:
        if isinstance(value, kind):
            return write(value)
    raise TypeError(f"no canonical text for {type(value).__name__}")


def _replaced(character: str) -> str:
    return "\ufffd" if character < " " and character not in "\b\t\n\f\r" else character


def canonical_json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
