"""The hashed form of rows and contexts against json and hashlib."""

import json
from hashlib import sha256

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from activation.log import RowRefused, openings
from activation.log.canonical import (
    SLICE_ROWS,
    check_text,
    commitment,
    commitments,
    context_digest,
    context_digests,
    leaf_hashes,
)
from activation.log.rows import COLUMNS_OF, FORMAT, FORMAT_1, REFERENCES, SEGMENT_COLUMNS

ALLOWED = st.characters(exclude_categories=["Cs"], exclude_characters="".join(map(chr, range(32))))
TEXT = st.text(
    st.one_of(ALLOWED, st.sampled_from('\b\t\n\f\r"\\/\x7f\u2028ß漢😀,[]u0')), max_size=6
)
ROW = st.fixed_dictionaries({name: st.none() | TEXT for name in SEGMENT_COLUMNS})
SCHEMA = pa.schema({name: pa.string() for name in SEGMENT_COLUMNS})


def json_leaf(row: dict[str, str | None]) -> bytes:
    values = [FORMAT, *(row[name] for name in SEGMENT_COLUMNS)]
    document = json.dumps(values, ensure_ascii=False, separators=(",", ":"))
    return sha256(b"\x00" + document.encode()).digest()


@settings(max_examples=150, deadline=None)
@given(st.lists(ROW, max_size=4))
def test_leaves_are_the_hashes_of_what_json_writes(rows: list[dict[str, str | None]]) -> None:
    table = pa.Table.from_pylist(rows, schema=SCHEMA)
    expected = b"".join(json_leaf(row) for row in rows)
    assert leaf_hashes(table) == expected


@pytest.mark.parametrize("code", range(32))
def test_control_characters_are_refused_save_the_five_with_a_short_escape(code: int) -> None:
    rows = pa.table({"node": ["fine", f"a{chr(code)}b"], "context": ["{}", "{}"]})
    if chr(code) in "\b\t\n\f\r":
        check_text(rows)
    else:
        with pytest.raises(RowRefused, match="column node: has a control character"):
            check_text(rows)


def test_a_slice_of_rows_hashes_as_the_rows_it_shows() -> None:
    rows = [dict.fromkeys(SEGMENT_COLUMNS, value) for value in ('"', "a", None, "\\u0000", "ß")]
    table = pa.Table.from_pylist(rows, schema=SCHEMA)
    hashes = leaf_hashes(table)
    assert hashes == b"".join(json_leaf(row) for row in rows)
    for start in range(5):
        assert leaf_hashes(table.slice(start, 2)) == hashes[start * 32 : (start + 2) * 32]


def test_null_and_empty_and_the_word_null_are_three_leaves() -> None:
    rows = [dict.fromkeys(SEGMENT_COLUMNS, value) for value in (None, "", "null")]
    hashes = leaf_hashes(pa.Table.from_pylist(rows, schema=SCHEMA))
    assert len({hashes[at : at + 32] for at in (0, 32, 64)}) == 3


def test_moving_text_across_a_column_border_changes_the_leaf() -> None:
    base = dict.fromkeys(SEGMENT_COLUMNS, "")
    rows = [base | {"node": 'a","b', "journey": "c"}, base | {"node": "a", "journey": 'b","c'}]
    hashes = leaf_hashes(pa.Table.from_pylist(rows, schema=SCHEMA))
    assert hashes[:32] != hashes[32:]


@pytest.mark.parametrize("form", [FORMAT, FORMAT_1])
def test_each_format_has_its_own_columns_and_leaf(form: str) -> None:
    row = {name: f"{name}é" for name in COLUMNS_OF[form]}
    document = json.dumps([form, *row.values()], ensure_ascii=False, separators=(",", ":"))
    table = pa.Table.from_pylist([row])
    assert leaf_hashes(table, form) == sha256(b"\x00" + document.encode()).digest()


REFERENCE_ROW = st.tuples(*(st.none() | TEXT for _ in REFERENCES))
OPENED = st.tuples(st.binary(min_size=16, max_size=16), st.integers(0, 10**12), TEXT, REFERENCE_ROW)


@settings(deadline=None)
@given(st.lists(OPENED, max_size=5))
def test_commitments_over_columns_are_the_commitments_one_by_one(
    opened: list[tuple[bytes, int, str, tuple[str | None, ...]]],
) -> None:
    keys, seqs, contexts, references = zip(*opened, strict=True) if opened else ((),) * 4
    columns = pa.array(keys, pa.binary()), pa.array(seqs, pa.int64()), pa.array(contexts)
    digests = context_digests(*columns[:2], columns[2].cast(pa.string()))
    assert digests.to_pylist() == [
        context_digest(key, seq, context.encode()) for key, seq, context, _ in opened
    ]
    assert digests.to_pylist() == [
        sha256(key + f"{seq}:{context}".encode()).digest() for key, seq, context, _ in opened
    ]
    rows = [dict(zip(REFERENCES, one, strict=True)) for one in references]
    table = pa.Table.from_pylist(rows, pa.schema({name: pa.string() for name in REFERENCES}))
    found = commitments(digests, table).to_pylist()
    assert found == [
        commitment(*pair) for pair in zip(digests.to_pylist(), references, strict=True)
    ]
    assert found == [
        sha256(
            digest + json.dumps(list(one), ensure_ascii=False, separators=(",", ":")).encode()
        ).hexdigest()
        for digest, one in zip(digests.to_pylist(), references, strict=True)
    ]


def test_rows_of_several_slices_hash_as_each_one_alone() -> None:
    count = SLICE_ROWS + 2
    rows = pa.table({name: [f"{name}{n}" for n in range(count)] for name in SEGMENT_COLUMNS})
    hashes = leaf_hashes(rows)
    assert len(hashes) == count * 32
    for at in (0, SLICE_ROWS - 1, SLICE_ROWS, count - 1):
        assert hashes[at * 32 : (at + 1) * 32] == json_leaf(rows.slice(at, 1).to_pylist()[0])


def test_openings_whose_context_is_gone_open_the_same_commitments() -> None:
    count = SLICE_ROWS + 2
    text = {name: [f"{name}{n}" for n in range(count)] for name in (*REFERENCES, "context")}
    seqs = pa.array(range(count), pa.int64())
    whole = openings.table(pa.table(text), seqs, openings.keys(b"\x07" * 16 * count, count))
    rows = whole.to_pylist()
    for at in (1, SLICE_ROWS, SLICE_ROWS + 1):
        row = rows[at]
        digest = context_digest(row["key"], row["seq"], row["context"].encode())
        rows[at] |= {"key": None, "context": None, "digest": digest}
    found = openings.commitments(pa.Table.from_pylist(rows, openings.SCHEMA))
    assert found == openings.commitments(whole)
    assert found[1].as_py() == commitment(rows[1]["digest"], [rows[1][n] for n in REFERENCES])


@pytest.mark.parametrize("context", ["", "[]", "null", '{"a":"x\ny"}', '{"a":"\x00"}', "{"])
def test_a_context_that_is_no_canonical_json_object_is_refused(context: str) -> None:
    with pytest.raises(RowRefused, match="column context"):
        check_text(pa.table({"context": ["{}", context]}))
