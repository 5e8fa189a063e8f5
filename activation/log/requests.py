"""Requests that were decided one by one, as the inputs of the batch that seals them."""

import json
from collections.abc import Sequence
from typing import Any, Final

import pyarrow as pa

from activation.log.inputs import Inputs

FORMAT: Final = "assent-requests-1"
TABLE: Final = "request"
_SCHEMA: Final = pa.schema({"person_id": pa.string(), "request": pa.string()})


def inputs_of(requests: Sequence[dict[str, Any]], sealed: pa.Array) -> Inputs | None:
    """The requests that came to one of these decision_ids; None when there is none.

    Grain of the table: one row per request, under its person, so that an erasure finds it.
    """
    ids = frozenset(sealed.to_pylist())
    kept = [one for one in requests if not ids.isdisjoint(one["decisions"])]
    if not kept:
        return None
    columns = [[one["person_id"] for one in kept], [_text(one) for one in kept]]
    return Inputs({"format": FORMAT, "requests": len(kept)}, {TABLE: pa.table(columns, _SCHEMA)})


def _text(request: dict[str, Any]) -> str:
    return json.dumps(request, ensure_ascii=False, separators=(",", ":"))
