"""Whom and what sealed rows are about: the references, from the openings that are left."""

import pyarrow as pa
import pyarrow.compute as pc

from activation.log import openings, segments
from activation.log.layout import Layout
from activation.log.rows import FORMAT, READ_SCHEMA, REFERENCES, to_typed


def rows(at: Layout, number: int) -> pa.Table:
    """A batch's rows with their types (rows.READ_SCHEMA); the references of erased rows are null.

    Raises LogDamaged when a file can't be read.
    """
    sealed = segments.read(at.segment(number))
    if segments.form_of(sealed) != FORMAT:
        return to_typed(sealed)
    opened = _read(at, number, ["seq", *REFERENCES])
    same = len(opened) == len(sealed)
    place = None if same else pc.index_in(sealed["seq"].cast(pa.int64()), value_set=opened["seq"])
    for name in REFERENCES:
        column = opened[name] if place is None else opened[name].take(place)
        sealed = sealed.append_column(name, column)
    return to_typed(sealed, READ_SCHEMA)


def decision_ids(at: Layout, number: int) -> pa.Table:
    """seq and decision_id of a batch's rows, as text, without those that were erased."""
    path = at.segment(number)
    if "decision_id" in segments.names(path):
        return segments.read(path, ["seq", "decision_id"])
    opened = _read(at, number, ["seq", "decision_id"])
    return opened.set_column(0, "seq", opened["seq"].cast(pa.string()))


def _read(at: Layout, number: int, columns: list[str]) -> pa.Table:
    path = at.opening(number)
    if not path.exists():
        return openings.SCHEMA.empty_table().select(columns)
    return openings.read(path, columns)
