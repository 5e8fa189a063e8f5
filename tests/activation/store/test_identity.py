"""The logged identity map: committed once, replayable, guarded against a second writer."""

from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine

from activation.store import StoreError, publish
from activation.store.identity import (
    IdentityChange,
    commit_identity,
    read_identity_map,
    replay,
    successors,
)

FIRST = datetime(2026, 11, 20, 6, tzinfo=UTC)
LATER = FIRST + timedelta(hours=1)


def change(
    change_id: str, record: str, old: str | None, new: str | None, at: datetime = FIRST
) -> IdentityChange:
    return IdentityChange(change_id, f"crm.contacts:{record}", old, new, "created", at)


def current(store: Engine) -> dict[str, str]:
    with store.connect() as connection:
        return read_identity_map(connection)


def test_changes_move_records_between_persons(store: Engine) -> None:
    assert commit_identity(store, [change("1", "A", None, "p1"), change("2", "B", None, "p2")]) == 2
    moved = [change("3", "B", "p2", "p1", LATER), change("4", "A", "p1", None, LATER)]
    assert commit_identity(store, moved) == 2
    assert current(store) == {"crm.contacts:B": "p1"}


def test_committing_the_whole_history_again_changes_nothing(store: Engine) -> None:
    history = [change("1", "A", None, "p1"), change("2", "A", "p1", "p2", LATER)]
    commit_identity(store, history[:1])
    assert commit_identity(store, history) == 1
    assert commit_identity(store, history) == 0
    assert current(store) == {"crm.contacts:A": "p2"}


def test_a_change_from_a_person_the_map_does_not_hold_is_refused_as_a_whole(store: Engine) -> None:
    commit_identity(store, [change("1", "A", None, "p1")])
    stale = [change("2", "B", None, "p2", LATER), change("3", "A", "p9", "p2", LATER)]
    with pytest.raises(StoreError, match=r"crm\.contacts:A starts from another person"):
        commit_identity(store, stale)
    assert current(store) == {"crm.contacts:A": "p1"}


def test_an_arrow_table_is_committed_like_rows_and_published_back(store: Engine) -> None:
    table = pa.table(
        {
            "change_id": ["1", "2"],
            "record_key": ["crm.contacts:A", "crm.contacts:B"],
            "old_person_id": pa.array([None, None], pa.string()),
            "new_person_id": ["p1", "p1"],
            "cause": ["created", "joined"],
            "changed_at": pa.array([FIRST, FIRST], pa.timestamp("us", tz="UTC")),
        }
    )
    assert commit_identity(store, table) == 2
    with store.connect() as connection:
        assert publish.identity_changes(connection).to_pylist() == table.to_pylist()
        published = publish.identity_maps(connection)
    assert published.to_pylist() == [
        {"record_key": "crm.contacts:A", "person_id": "p1", "since": FIRST},
        {"record_key": "crm.contacts:B", "person_id": "p1", "since": FIRST},
    ]


def test_an_empty_map_is_published_with_its_types(store: Engine) -> None:
    with store.connect() as connection:
        published = publish.identity_maps(connection)
    assert published.num_rows == 0
    assert published.schema.field("since").type == pa.timestamp("us", tz="UTC")


@given(st.lists(st.tuples(st.sampled_from("AB"), st.sampled_from(["p1", "p2", None])), max_size=12))
def test_replaying_a_history_gives_the_last_person_of_each_record(
    moves: list[tuple[str, str | None]],
) -> None:
    persons: dict[str, str | None] = {}
    history = []
    for number, (record, person) in enumerate(moves):
        history.append(change(str(number), record, persons.get(record), person))
        persons[record] = person
    left = {f"crm.contacts:{record}": p for record, p in persons.items() if p is not None}
    assert replay(history) == left


def merge(change_id: str, record: str, old: str, new: str, cause: str = "merged") -> IdentityChange:
    return IdentityChange(change_id, f"crm.contacts:{record}", old, new, cause, LATER)


def test_a_chain_of_merges_leads_to_the_person_who_is_left(store: Engine) -> None:
    commit_identity(store, [change(str(n), r, None, f"p{n}") for n, r in enumerate("ABC")])
    commit_identity(store, [merge("m1", "A", "p0", "p1")])
    commit_identity(store, [merge("m2", "A", "p1", "p2"), merge("m3", "B", "p1", "p2")])
    assert successor_pairs(store) == {"p0": "p2", "p1": "p2"}


def test_a_person_who_moved_or_lives_again_stands_for_themselves(store: Engine) -> None:
    commit_identity(store, [change(str(n), r, None, f"p{n}") for n, r in enumerate("AB")])
    commit_identity(store, [merge("m1", "A", "p0", "p1")])
    commit_identity(store, [merge("m2", "A", "p1", "p0", "split")])
    commit_identity(store, [merge("m3", "B", "p1", "p0", "moved")])
    assert successor_pairs(store) == {}


def successor_pairs(store: Engine) -> dict[str, str]:
    with store.connect() as connection:
        rows = successors(connection).to_pylist()
    return {row["former_person_id"]: row["person_id"] for row in rows}
