"""What a receiver's answer to a webhook means for the row."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from activation.connectors.protocol import ErrorClass, RowOutcome

_CLASS_OF_STATUS: Mapping[int, ErrorClass] = {
    401: ErrorClass.AUTH,
    403: ErrorClass.AUTH,
    404: ErrorClass.CONFIG,
    405: ErrorClass.CONFIG,
    407: ErrorClass.CONFIG,
    408: ErrorClass.IN_DOUBT,
    # The receiver no longer wants any webhook at this address (Standard Webhooks).
    410: ErrorClass.CONFIG,
    425: ErrorClass.TRANSIENT,
    429: ErrorClass.THROTTLED,
    503: ErrorClass.TRANSIENT,
}


def outcome_of(delivery_id: str, response: httpx.Response, now: datetime) -> RowOutcome:
    """The status alone decides: a 2xx is an acknowledgement even if its body breaks off."""
    status = response.status_code
    if 200 <= status < 300:
        return RowOutcome(delivery_id)
    error = _CLASS_OF_STATUS.get(status)
    if error is None:
        if status >= 500:
            error = ErrorClass.IN_DOUBT
        else:
            error = ErrorClass.ROW_PERMANENT if status >= 400 else ErrorClass.CONFIG
    return RowOutcome(
        delivery_id, error, f"HTTP {status}", _seconds(response.headers.get("retry-after"), now)
    )


def _seconds(retry_after: str | None, now: datetime) -> float | None:
    """Retry-After in seconds, from either of its forms (RFC 9110, section 10.2.3)."""
    if retry_after is None:
        return None
    if retry_after.strip().isdecimal():
        return float(retry_after)
    try:
        at = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(0.0, (at - now).total_seconds())
