"""Files: a batch is there whole or not at all, and says what it holds."""

import csv
import hashlib
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from activation.connectors.files import FilesConnector
from activation.connectors.formula import guard
from activation.connectors.protocol import ConnectorError, ErrorClass
from tests.activation.connectors.batches import action_batch

FOLDER = Path("demo/action/20261120T060000Z-1")


def content(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted(folder.iterdir())}


def test_the_manifest_describes_the_files_beside_it(tmp_path: Path) -> None:
    FilesConnector(tmp_path, "demo").deliver(action_batch(["d_1", "d_2"]))
    folder = tmp_path / FOLDER
    manifest = json.loads((folder / "manifest.json").read_text())
    assert (manifest["op"], manifest["rows"], manifest["key"]) == ("send", 2, ["decision_id"])
    assert [column["name"] for column in manifest["columns"]][:2] == ["decision_id", "address"]
    for file in manifest["files"]:
        data = (folder / file["name"]).read_bytes()
        assert (len(data), hashlib.sha256(data).hexdigest()) == (file["bytes"], file["sha256"])
    assert pq.read_table(folder / "data.parquet").equals(action_batch(["d_1", "d_2"]).rows)


def test_the_csv_file_shows_instants_in_utc_and_nulls_as_empty(tmp_path: Path) -> None:
    FilesConnector(tmp_path, "demo").deliver(action_batch(["d_1"], given_name='Ada "B", C'))
    with (tmp_path / FOLDER / "data.csv").open(newline="") as stream:
        (row,) = csv.DictReader(stream)
    assert row == {
        "decision_id": "d_1",
        "address": "+447700900123",
        "given_name": 'Ada "B", C',
        "renews_on": "2027-01-31",
        "send_after": "2026-11-20T06:00:00.000000Z",
        "amount": "12.50",
        "attempts": "3",
        "is_active": "true",
        "claim_number": "",
    }


def test_the_same_batch_written_again_changes_no_byte(tmp_path: Path) -> None:
    connector = FilesConnector(tmp_path, "demo")
    connector.deliver(action_batch(["d_1"]))
    before = content(tmp_path / FOLDER)
    outcomes = connector.deliver(action_batch(["d_1"]))
    FilesConnector(tmp_path / "other", "demo").deliver(action_batch(["d_1"]))
    assert [outcome.error for outcome in outcomes] == [None]
    assert content(tmp_path / FOLDER) == before == content(tmp_path / "other" / FOLDER)


def test_another_batch_under_the_same_name_is_refused(tmp_path: Path) -> None:
    connector = FilesConnector(tmp_path, "demo")
    connector.deliver(action_batch(["d_1"]))
    before = content(tmp_path / FOLDER)
    (outcome,) = connector.deliver(action_batch(["d_2"]))
    assert outcome.error is ErrorClass.CONFIG
    assert content(tmp_path / FOLDER) == before


def test_what_a_killed_run_left_half_written_is_replaced_and_never_shown(tmp_path: Path) -> None:
    partial = tmp_path / FOLDER.with_name(f".partial-{FOLDER.name}")
    partial.mkdir(parents=True)
    (partial / "data.csv").write_text("half a li")
    FilesConnector(tmp_path, "demo").deliver(action_batch(["d_1"]))
    assert [f.name for f in (tmp_path / FOLDER.parent).iterdir()] == [FOLDER.name]


def test_files_are_not_readable_by_everyone(tmp_path: Path) -> None:
    FilesConnector(tmp_path, "demo").deliver(action_batch(["d_1"]))
    for path in (tmp_path / "demo").rglob("*"):
        assert path.stat().st_mode & 0o007 == 0


def test_confirm_knows_a_batch_by_its_deliveries(tmp_path: Path) -> None:
    connector = FilesConnector(tmp_path, "demo")
    connector.deliver(action_batch(["d_1"]))
    asked = {FOLDER.name: ["i_d_1"], "20261120T060000Z-2": ["i_d_2"]}
    assert connector.confirm("action", asked) == {"i_d_1": True, "i_d_2": False}
    assert connector.confirm("action", {FOLDER.name: ["i_d_9"]}) == {"i_d_9": False}


def test_a_failing_disk_is_transient(tmp_path: Path) -> None:
    (tmp_path / "demo").write_text("not a directory")
    (outcome,) = FilesConnector(tmp_path, "demo").deliver(action_batch(["d_1"]))
    assert outcome.error is ErrorClass.TRANSIENT


@pytest.mark.parametrize("name", ["..", "../x", "a/b", "", ".hidden", "a b"])
def test_a_name_that_is_no_plain_directory_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConnectorError, match="not usable as a directory"):
        FilesConnector(tmp_path, name)


@pytest.mark.parametrize(
    "cell",
    [
        "=1+1",
        "+cmd|' /C calc'!A0",
        "-2+3+cmd",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        " =1",
        "\ufeff=1",
        "\u00a0 @x",
        "\uff1d1",
        "\uff0b1+1",
        "\uff201",
        "\x00=1",
        "+1-800-CALL",
    ],
)
def test_a_cell_that_could_be_a_formula_is_guarded(cell: str) -> None:
    assert guard(pa.chunked_array([[cell]])).to_pylist() == ["'" + cell]


@pytest.mark.parametrize("cell", ["Ada", "+447700900123", "-12.50", "", "ada@people.example", None])
def test_a_harmless_cell_is_left_as_it_is(cell: str | None) -> None:
    assert guard(pa.chunked_array([pa.array([cell], pa.string())])).to_pylist() == [cell]


@given(st.text(alphabet=st.sampled_from(list("=+-@\t\r\n \ufeff\uff1d'a1.")), max_size=6))
@example("=")
def test_no_guarded_cell_starts_a_formula_after_its_blanks(cell: str) -> None:
    (shown,) = guard(pa.chunked_array([[cell]])).to_pylist()
    visible = shown.lstrip(" \t\r\n\ufeff")
    is_number = visible[:1] in "+-" and visible[1:].replace(".", "", 1).isdecimal()
    assert visible[:1] not in tuple("=+-@\uff1d") or is_number
