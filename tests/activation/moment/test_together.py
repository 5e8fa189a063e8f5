"""Several requests at once: the answers of one after the other, with one write to the disk."""

import random
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from sqlalchemy import Engine

from activation.decisions import DecisionError, Release
from activation.journeys import JourneySet
from activation.log import RowRefused, journal
from activation.moment import Request
from tests.activation.decisions.bulk import create_bulk_world
from tests.activation.decisions.variants import every_limit
from tests.activation.decisions.worlds import AS_OF, create_world, insert, person, policy
from tests.activation.moment.people import (
    Moment,
    create_state,
    email_of,
    moment,
    publish,
    say_at_random,
)

NOW = AS_OF + timedelta(minutes=7)
RENEWAL, CLAIM = "renewal_reminder_day_90", "claim_update_day_3"
Answer = list[Mapping[str, Any]] | Exception


def rows_of(answer: Answer) -> list[Mapping[str, Any]]:
    assert not isinstance(answer, Exception), answer
    return answer


def test_a_group_is_answered_as_its_requests_one_by_one(
    store: Engine, tmp_path: Path, journeys: JourneySet, release: Release
) -> None:
    limited = every_limit(journeys)
    with duckdb.connect(config={"threads": 1}) as connection:
        create_bulk_world(connection, 60, seed=5)
        create_state(connection)
        persons = [f"p_{number}" for number in range(60)]
        say_at_random(connection, store, persons, seed=5)
        copies = publish(connection, tmp_path / "copies", limited)
    rng = random.Random(5)
    nodes = [node.id for node in limited.nodes]
    requests = [
        Request(
            rng.choice(persons[:20]),
            NOW + timedelta(seconds=rng.randrange(40)),
            rng.choice([None, rng.sample(nodes, 2), [rng.choice(nodes)]]),
        )
        for _ in range(300)
    ]
    with moment(copies, store, tmp_path / "one", limited, release) as now:
        alone = [
            now.point.decide_one(one.person_id, at=one.at, nodes=one.nodes) for one in requests
        ]
        logged = sorted(now.log.pending()["decision_id"].to_pylist())
    with moment(copies, store, tmp_path / "all", limited, release) as now:
        together = []
        while len(together) < len(requests):
            group = requests[len(together) : len(together) + rng.randrange(1, 40)]
            together += now.point.decide_all(group)
        assert [rows_of(answer) for answer in together] == alone
        assert sorted(now.log.pending()["decision_id"].to_pylist()) == logged
    assert len({row["reason"] for rows in alone for row in rows}) > 5


def test_a_group_is_one_record_of_the_journal_and_a_request_in_it_twice_is_logged_once(
    warehouse: duckdb.DuckDBPyConnection,
    store: Engine,
    tmp_path: Path,
    journeys: JourneySet,
    release: Release,
) -> None:
    copies = publish(warehouse, tmp_path / "copies", journeys)
    with moment(copies, store, tmp_path, journeys, release) as now:
        first, second, again, later = now.point.decide_all(
            [
                Request("p_1", NOW, [RENEWAL]),
                Request("p_2", NOW, [RENEWAL]),
                Request("p_1", NOW, [RENEWAL]),
                Request("p_1", NOW + timedelta(seconds=1), [RENEWAL]),
            ]
        )
        [path] = (tmp_path / "log" / "journal").iterdir()
        assert len(list(journal._records(path))) == 1
        assert rows_of(again) == rows_of(first)
        assert [rows_of(one)[0]["reason"] for one in (first, second, later)] == [
            "selected",
            "selected",
            "already_done",
        ]
        assert now.log.pending().num_rows == 3


def test_a_node_that_was_decided_for_the_instant_is_answered_and_not_decided_anew(
    warehouse: duckdb.DuckDBPyConnection,
    store: Engine,
    tmp_path: Path,
    journeys: JourneySet,
    release: Release,
) -> None:
    claim = {"person_id": "p_1", "subject_id": "C1", "assurance": "A", "source_at": AS_OF}
    insert(warehouse, "contexts.ctx_claim", [claim | {"days_open": 3, "status": "open"}])
    copies = publish(warehouse, tmp_path / "copies", journeys)
    with moment(copies, store, tmp_path, journeys, release) as now:
        [first] = now.point.decide_one("p_1", at=NOW, nodes=[RENEWAL])
        both = now.point.decide_one("p_1", at=NOW, nodes=[RENEWAL, CLAIM])
        assert first in both
        assert [row["node"] for row in both] == [
            node.id for node in journeys.nodes if node.id in (RENEWAL, CLAIM)
        ]
        assert now.point.decide_one("p_1", at=NOW, nodes=[RENEWAL]) == [first]
        assert now.log.pending().num_rows == 2


@pytest.fixture
def with_a_broken_subject(journeys: JourneySet, tmp_path: Path) -> Path:
    """A copy in which p_2's policy has an id that the log refuses."""
    with duckdb.connect(config={"threads": 1}) as connection:
        create_world(connection)
        create_state(connection)
        for who, subject in (("p_1", "P1"), ("p_2", "P\x01"), ("p_3", "P3")):
            insert(connection, "contexts.ctx_person", [person(who)])
            insert(connection, "contexts.ctx_policy", [policy(who, subject)])
            insert(connection, "identity.id_person_identifiers", [email_of(who)])
        return publish(connection, tmp_path / "copies", journeys)


def test_the_error_of_one_request_is_nobody_elses(
    with_a_broken_subject: Path,
    store: Engine,
    tmp_path: Path,
    journeys: JourneySet,
    release: Release,
) -> None:
    with moment(with_a_broken_subject, store, tmp_path, journeys, release) as now:
        first, unknown, refused, third = now.point.decide_all(
            [
                Request("p_1", NOW, [RENEWAL]),
                Request("p_1", NOW, ["renewal"]),
                Request("p_2", NOW, [RENEWAL]),
                Request("p_3", NOW, [RENEWAL]),
            ]
        )
        assert isinstance(unknown, DecisionError)
        assert isinstance(refused, RowRefused)
        assert len(rows_of(first)) == len(rows_of(third)) == 1
        assert sorted(now.log.pending()["person_id"].to_pylist()) == ["p_1", "p_3"]
        with pytest.raises(RowRefused):
            now.point.decide_one("p_2", at=NOW, nodes=[RENEWAL])


def test_nobody_of_a_group_that_the_disk_refuses_is_answered_and_nothing_counts(
    warehouse: duckdb.DuckDBPyConnection,
    store: Engine,
    tmp_path: Path,
    journeys: JourneySet,
    release: Release,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    copies = publish(warehouse, tmp_path / "copies", journeys)

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    def asked(now: Moment) -> list[Answer]:
        # The third is answered in part by the first, whose error is its own.
        return now.point.decide_all(
            [
                Request("p_1", NOW, [RENEWAL]),
                Request("p_2", NOW, [RENEWAL]),
                Request("p_1", NOW, [RENEWAL, CLAIM]),
                Request("p_1", NOW, [RENEWAL]),
            ]
        )

    with moment(copies, store, tmp_path, journeys, release) as now:
        with monkeypatch.context() as broken:
            broken.setattr("os.fdatasync", full)
            assert [type(answer) for answer in asked(now)] == [OSError] * 4
        assert [rows_of(answer)[0]["reason"] for answer in asked(now)[:2]] == ["selected"] * 2
