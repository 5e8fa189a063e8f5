"""Plain Python form of the canonical text: equal to what the compiled SQL writes."""

import json
import re
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

# Every control character but those that JSON has a short escape for.
_REFUSED = re.compile(r"[\x00-\x07\x0b\x0e-\x1f]")
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def field_text(value: object) -> str | None:
    if value is None:
        return None
    if isinstance(value, str):
        return _REFUSED.sub("\ufffd", value)
    for kind, write in _WRITTEN:
        if isinstance(value, kind):
            return write(value)
    raise TypeError(f"no canonical text for {type(value).__name__}")


def canonical_json(value: object) -> str:
    return _encode(value)
