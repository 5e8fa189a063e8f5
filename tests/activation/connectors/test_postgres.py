"""PostgreSQL, against a real server: rows converge, once, and errors are understood."""

import logging
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal

import psycopg
import pytest

from activation.connectors.postgres import PostgresConnector
from activation.connectors.protocol import ConnectorError, ErrorClass, Operation
from tests.activation.connectors.batches import AS_OF, action_batch, member_batch


@pytest.fixture
def connector(postgresql_url: str) -> Iterator[PostgresConnector]:
    opened = PostgresConnector(postgresql_url, "outbound", create_tables=True)
    yield opened
    opened.close()


def rows(url: str, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(query).fetchall()  # type: ignore[arg-type]


def test_values_arrive_with_their_types(connector: PostgresConnector, postgresql_url: str) -> None:
    assert [o.error for o in connector.deliver(action_batch(["d_1"], given_name='A"\\\t,'))] == [
        None
    ]
    (row,) = rows(postgresql_url, "select * from outbound.action")
    assert row[:5] == ("d_1", "+447700900123", 'A"\\\t,', date(2027, 1, 31), AS_OF)
    assert row[5:] == (Decimal("12.50"), 3, True, None)
    assert isinstance(row[4], datetime)
    assert row[4].astimezone(UTC) == AS_OF


def test_members_are_added_changed_and_removed(
    connector: PostgresConnector, postgresql_url: str
) -> None:
    connector.deliver(member_batch(Operation.ADD, {"p_1": "a", "p_2": "b"}, "b-1"))
    connector.deliver(member_batch(Operation.UPDATE, {"p_2": "c"}, "b-2"))
    connector.deliver(member_batch(Operation.REMOVE, {"p_1": "", "p_9": ""}, "b-3"))
    held = rows(postgresql_url, "select person_id, address from outbound.audience")
    assert held == [("p_2", "c")]


def test_a_delivery_made_again_is_skipped(
    connector: PostgresConnector, postgresql_url: str
) -> None:
    connector.deliver(member_batch(Operation.ADD, {"p_1": "a"}, "b-1"))
    connector.deliver(member_batch(Operation.UPDATE, {"p_1": "newer"}, "b-2"))
    connector.deliver(member_batch(Operation.ADD, {"p_1": "a"}, "b-1"))
    assert rows(postgresql_url, "select address from outbound.audience") == [("newer",)]


def test_receipts_tell_what_arrived(connector: PostgresConnector) -> None:
    assert connector.confirm("action", {"b": ["i_d_1"]}) == {"i_d_1": False}
    connector.deliver(action_batch(["d_1"]))
    asked = {"b": ["i_d_1", "i_d_2"]}
    assert connector.confirm("action", asked) == {"i_d_1": True, "i_d_2": False}


def test_a_failed_batch_leaves_nothing(connector: PostgresConnector, postgresql_url: str) -> None:
    connector.deliver(action_batch(["d_0"]))
    rows_before = rows(postgresql_url, "select count(*) from outbound.action")
    with psycopg.connect(postgresql_url) as connection:
        connection.execute("alter table outbound.action add check (decision_id <> 'd_2')")
    outcomes = connector.deliver(action_batch(["d_1", "d_2"]))
    assert {o.error for o in outcomes} == {ErrorClass.BATCH_POISON}
    assert {o.detail for o in outcomes} == {"SQLSTATE 23514"}
    assert rows(postgresql_url, "select count(*) from outbound.action") == rows_before
    assert connector.confirm("action", {"b": ["i_d_1"]}) == {"i_d_1": False}


def test_a_value_that_cannot_be_written_spoils_only_its_batch(
    connector: PostgresConnector,
) -> None:
    (outcome,) = connector.deliver(action_batch(["d_1"], given_name="nul\x00"))
    assert outcome.error is ErrorClass.BATCH_POISON
    assert [o.error for o in connector.deliver(action_batch(["d_2"]))] == [None]


def test_a_new_column_is_added(connector: PostgresConnector, postgresql_url: str) -> None:
    connector.deliver(member_batch(Operation.ADD, {"p_1": "a"}))
    with psycopg.connect(postgresql_url) as connection:
        connection.execute("alter table outbound.audience drop column address")
    connector.deliver(member_batch(Operation.UPDATE, {"p_1": "b"}, "b-2"))
    assert rows(postgresql_url, "select address from outbound.audience") == [("b",)]


def test_tables_are_not_created_unless_allowed(postgresql_url: str) -> None:
    careful = PostgresConnector(postgresql_url, "outbound", create_tables=False)
    (outcome,) = careful.deliver(action_batch(["d_1"]))
    careful.close()
    assert (outcome.error, outcome.detail) == (ErrorClass.CONFIG, "SQLSTATE 42P01")


def test_names_are_quoted(postgresql_url: str) -> None:
    odd = PostgresConnector(postgresql_url, 'a"; drop schema public; --', create_tables=True)
    assert [o.error for o in odd.deliver(action_batch(["d_1"]))] == [None]
    odd.close()
    assert rows(postgresql_url, "select 1 from pg_namespace where nspname = 'public'") == [(1,)]


def test_a_lost_connection_is_transient_and_the_next_batch_reconnects(
    connector: PostgresConnector, postgresql_url: str
) -> None:
    connector.deliver(action_batch(["d_1"]))
    with psycopg.connect(postgresql_url, autocommit=True) as connection:
        connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where application_name = 'assent'"
        )
    (lost,) = connector.deliver(action_batch(["d_2"]))
    (found,) = connector.deliver(action_batch(["d_2"]))
    assert (lost.error, found.error) == (ErrorClass.TRANSIENT, None)


@pytest.mark.parametrize(
    ("part", "replacement", "error"),
    [
        ("user", "nobody_here", ErrorClass.AUTH),
        ("database", "nowhere", ErrorClass.CONFIG),
        ("port", "1", ErrorClass.TRANSIENT),
    ],
)
def test_a_connection_that_fails_has_its_class(
    postgresql_url: str, part: str, replacement: str, error: ErrorClass
) -> None:
    given = psycopg.conninfo.conninfo_to_dict(postgresql_url)
    given[{"database": "dbname"}.get(part, part)] = replacement
    broken = PostgresConnector(
        psycopg.conninfo.make_conninfo("", **given), "outbound", create_tables=True
    )
    (outcome,) = broken.deliver(action_batch(["d_1"]))
    assert outcome.error is error


@pytest.mark.parametrize(
    ("url", "is_safe"),
    [
        ("postgresql://u:hush@db.example.com/d", False),
        ("postgresql://u:hush@db.example.com/d?sslmode=prefer", False),
        ("postgresql://u:hush@localhost,db.example.com/d", False),
        ("postgresql://u:hush@db.example.com/d?sslmode=require", True),
        ("postgresql://u:hush@127.0.0.1/d", True),
        ("postgresql:///d?host=/run/postgresql", True),
    ],
)
def test_another_machine_is_reached_over_tls_only(url: str, is_safe: bool) -> None:
    if is_safe:
        PostgresConnector(url, "outbound", create_tables=False)
        return
    with pytest.raises(ConnectorError, match="sslmode=verify-full") as caught:
        PostgresConnector(url, "outbound", create_tables=False)
    assert "hush" not in str(caught.value)


def test_a_value_the_server_complains_about_is_in_no_log(
    connector: PostgresConnector, postgresql_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    connector.deliver(action_batch(["d_1"]))
    with psycopg.connect(postgresql_url) as connection:
        connection.execute("alter table outbound.action add check (given_name <> 'Canary7')")
    with caplog.at_level(logging.DEBUG):
        outcomes = connector.deliver(action_batch(["d_2"], given_name="Canary7"))
    assert outcomes[0].error is ErrorClass.BATCH_POISON
    assert "Canary7" not in caplog.text + repr(outcomes)
