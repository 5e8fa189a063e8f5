"""Whom and what sealed rows are about: the references, from the openings that are left."""

from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc

from activation.log import openings, segments
from activation.log.checkpoints import BatchHeader
from activation.log.layout import Layout
from activation.log.rows import FORMAT, INSTANT, READ_SCHEMA, REFERENCES, to_typed


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


def about(
    at: Layout, headers: list[BatchHeader], subject_id: str, until: datetime | None
) -> pa.Table:
    """The newest row of each node about a subject, by node; the newest batch is read first."""
    newest: dict[str, pa.Table] = {}
    for header in reversed(headers):
        path = at.segment(header.number)
        subjects = (
            segments.read(path, ["subject_id"])
            if "subject_id" in segments.names(path)
            else _read(at, header.number, ["subject_id"])
        )
        # One narrow column tells which batches are worth joining.
        if not pc.any(pc.equal(subjects["subject_id"], subject_id)).as_py():
            continue
        found = rows(at, header.number)
        found = found.filter(pc.equal(found["subject_id"], subject_id))
        if until is not None:
            found = found.filter(pc.less_equal(found["as_of"], pa.scalar(until, INSTANT)))
        for node in found["node"].unique().to_pylist():
            mine = found.filter(pc.equal(found["node"], node)).sort_by([("as_of", "descending")])
            held = newest.get(node)
            if held is None or held["as_of"][0].as_py() < mine["as_of"][0].as_py():
                newest[node] = mine.slice(0, 1)
    return pa.concat_tables([READ_SCHEMA.empty_table(), *(newest[node] for node in sorted(newest))])


def _read(at: Layout, number: int, columns: list[str]) -> pa.Table:
    path = at.opening(number)
    if not path.exists():
        return openings.SCHEMA.empty_table().select(columns)
    return openings.read(path, columns)
