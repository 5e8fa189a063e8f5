"""What was decided about a subject: the newest row of each node, at a time."""

from pathlib import Path

from activation.log.rows import READ_SCHEMA
from tests.activation.log.test_format_1 import begun_in_format_1
from tests.activation.log.worlds import RELEASE, SEALED_AT, decisions, hour, make_log


def test_the_newest_row_of_each_node_is_told_also_when_a_later_batch_has_only_one(
    tmp_path: Path,
) -> None:
    log = make_log(tmp_path)
    for batch, node in ((1, "a"), (2, "b"), (3, "a")):
        rows = decisions(2, batch, node=node)
        log.append(rows, as_of=hour(batch), release=RELEASE, sealed_at=SEALED_AT)
    about = log.about("P-1")
    assert about.select(["node", "batch"]).to_pylist() == [
        {"node": "a", "batch": 3},
        {"node": "b", "batch": 2},
    ]
    assert log.about("P-1", hour(1))["batch"].to_pylist() == [1]
    assert log.about("P-1", hour(0)).num_rows == 0
    assert log.about("P-9").schema == READ_SCHEMA
    log.erase(["p_1"])
    assert log.about("P-1").num_rows == 0
    assert log.expirable(hour(9)) == log.expire(hour(9)) == 3
    assert log.expirable(hour(9)) == 0


def test_rows_of_the_first_format_are_found_too(tmp_path: Path) -> None:
    log = begun_in_format_1(tmp_path)
    assert log.about("P-4")["batch"].to_pylist() == [1]
    assert log.about("P-1")["batch"].to_pylist() == [2]
