"""What a log row needs to become an action survives a run that is killed while it is written."""

import duckdb

from activation.decisions import Release, record_release


def test_a_release_recorded_in_part_by_a_killed_run_is_completed_by_the_next_one() -> None:
    action = {"template": "t", "valid_hours": 72}
    nodes = {
        name: {"id": name, "kind": "action", "action": action} for name in ("one", "two", "three")
    }
    release = Release("r_1", "digest", {"journeys": nodes})
    with duckdb.connect(":memory:") as connection:
        record_release(connection, release)
        connection.execute("delete from activation.release_node where node <> 'one'")
        for _ in range(2):
            record_release(connection, release)
        recorded = connection.execute(
            "select node, count(*) from activation.release_node group by node order by node"
        ).fetchall()
    assert recorded == [("one", 1), ("three", 1), ("two", 1)]
