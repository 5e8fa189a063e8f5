"""Single records are taken out of export files, and every other byte stays."""

import csv
import gzip
import io
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestration.privacy.landing_files import put_in_place, rewritten

CSV = b'id,note\n1,plain\n2,"over\ntwo lines"\n3,"says ""hi"""\n4,last\n'


def _file(tmp_path: Path, name: str, content: bytes) -> Path:
    path = tmp_path / name
    path.write_bytes(content)
    return path


def test_a_record_over_two_lines_becomes_two_empty_lines(tmp_path: Path) -> None:
    path = _file(tmp_path, "a.csv", CSV)
    partial = rewritten(path, "csv", False, {3}, ())
    assert partial is not None
    put_in_place(partial, path)
    assert path.read_bytes() == b'id,note\n1,plain\n\n\n3,"says ""hi"""\n4,last\n'
    assert rewritten(path, "csv", False, {3}, ()) is None, "doing it again changes nothing"


def test_a_line_that_names_the_person_goes_though_it_was_never_loaded(tmp_path: Path) -> None:
    path = _file(tmp_path, "a.csv", b"id,mail\n1,ann@x.example,too,many\n2,xann@x.example\n")
    partial = rewritten(path, "csv", False, (), ["ann@x.example"])
    assert partial is not None
    assert partial.read_bytes() == b"id,mail\n\n2,xann@x.example\n"


def test_in_a_line_with_an_open_quote_the_value_alone_goes(tmp_path: Path) -> None:
    path = _file(tmp_path, "a.csv", b'id,note\n1,"ann@x.example\nand more"\n')
    partial = rewritten(path, "csv", False, (), ["ann@x.example"])
    assert partial is not None
    assert partial.read_bytes() == b'id,note\n1,"\nand more"\n'


def test_compressed_copies_stay_equal_to_each_other(tmp_path: Path) -> None:
    stored = gzip.compress(CSV)
    first, second = (_file(tmp_path, name, stored) for name in ("a.csv.gz", "b.csv.gz"))
    changed = [rewritten(path, "csv", True, {2}, ()) for path in (first, second)]
    assert changed[0] is not None
    assert changed[1] is not None
    assert changed[0].read_bytes() == changed[1].read_bytes()
    assert b"plain" not in gzip.decompress(changed[0].read_bytes())


def test_rows_of_parquet_go_by_number_and_by_value(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    pq.write_table(pa.table({"id": ["1", "2", "3"], "mail": ["a@x.eu", "b@x.eu", None]}), buffer)
    path = _file(tmp_path, "a.parquet", buffer.getvalue())
    partial = rewritten(path, "parquet", False, {1}, ["b@x.eu"])
    assert partial is not None
    assert pq.read_table(
        partial.read_bytes() and pa.BufferReader(partial.read_bytes())
    ).to_pydict() == {
        "id": ["3"],
        "mail": [None],
    }


_FIELD = st.text(st.sampled_from('ab,"\n é'), max_size=6)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rows=st.lists(st.tuples(_FIELD, _FIELD), min_size=1, max_size=6), data=st.data())
def test_other_records_are_read_as_before(
    tmp_path: Path, rows: list[tuple[str, str]], data: st.DataObject
) -> None:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerow(["one", "two"])
    starts = []
    for row in rows:
        starts.append(stream.getvalue().count("\n") + 1)
        writer.writerow(row)
    gone = data.draw(st.sets(st.sampled_from(range(len(rows)))))
    path = _file(tmp_path, "a.csv", stream.getvalue().encode())
    partial = rewritten(path, "csv", False, {starts[i] for i in gone}, ())
    content = (partial or path).read_text(encoding="utf-8")
    assert content.count("\n") == stream.getvalue().count("\n"), "line numbers stay"
    kept = [row for row in csv.reader(io.StringIO(content)) if row][1:]
    assert kept == [list(row) for i, row in enumerate(rows) if i not in gone]
