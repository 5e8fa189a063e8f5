"""Erasing persons from what may be erased: the openings, and the inputs of the batches.

Erasure first writes down whom it erases, then replaces file after file, then forgets the list: a
crash in between is carried to its end when the log is next opened for writing.
"""

import json
from collections.abc import Collection
from pathlib import Path
from typing import Final

import pyarrow as pa

from activation.log import inputs, openings
from activation.log.durable import PRIVATE, publish_bytes, remove
from activation.log.layout import Layout

PENDING: Final = ".erasure.json"


def _pending(at: Layout) -> Path:
    return at.openings / PENDING


def erase_persons(at: Layout, person_ids: Collection[str]) -> int:
    """Erase these persons and return how many openings went. Call with the log's lock held.

    Raises LogDamaged when a file can't be read; the list stays, and the next try resumes.
    """
    pending = _pending(at)
    wanted = set(person_ids)
    if pending.exists():
        wanted |= set(json.loads(pending.read_bytes()))
    if not wanted:
        return 0
    document = json.dumps(sorted(wanted)).encode()
    publish_bytes(pending, document, mode=PRIVATE, replace=True)
    values = pa.array(sorted(wanted), pa.string())
    erased = openings.erase_persons(at.openings, values)
    inputs.erase_persons(at.inputs, values)
    remove(pending)
    return erased


def resume(at: Layout) -> int:
    """Carry an interrupted erasure to its end."""
    return erase_persons(at, ()) if _pending(at).exists() else 0


def erase_batch(at: Layout, number: int) -> int:
    """Erase the contexts and the inputs of one batch; who it was about stays, as history."""
    inputs.erase_batch(at.recorded(number))
    return openings.erase_contexts(at.opening(number))
