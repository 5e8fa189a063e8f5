"""Reads past SQLAlchemy: each sees what is committed, over connections that it keeps."""

import threading
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from activation.store import StoreError, open_store, transaction
from activation.store.reader import KEPT, Reader

SEQ = "select seq from ledger_head"
EVENTS = "select event_id from consent_event where purpose = {mark}"


def _move_head(store: Engine, seq: int) -> None:
    with transaction(store) as writing:
        writing.execute(text("update ledger_head set seq = :seq"), {"seq": seq})


def test_each_statement_sees_what_was_committed_before_it(store: Engine) -> None:
    reader = Reader(store)
    assert reader.exec_driver_sql(SEQ, ())[0][0] == 0
    _move_head(store, 7)
    assert reader.exec_driver_sql(SEQ, ())[0][0] == 7
    with transaction(store) as writing:
        writing.execute(text("update ledger_head set seq = 8"))
        assert reader.exec_driver_sql(SEQ, ())[0][0] == 7
    assert reader.exec_driver_sql(SEQ, ())[0][0] == 8
    reader.close()


def test_many_threads_read_at_once_and_no_more_connections_stay_than_said(store: Engine) -> None:
    reader = Reader(store)
    together = threading.Barrier(2 * KEPT)
    found: list[int] = []

    def read() -> None:
        together.wait()
        found.extend(int(reader.exec_driver_sql(SEQ, ())[0][0]) for _ in range(20))

    threads = [threading.Thread(target=read) for _ in range(2 * KEPT)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [0] * (2 * KEPT * 20)
    assert 1 <= len(reader._kept) <= KEPT
    # Its connections are its own: a writer finds the pool as it was.
    _move_head(store, 1)
    reader.close()


def test_a_connection_that_the_server_has_closed_is_replaced(store: Engine) -> None:
    reader = Reader(store)
    reader.exec_driver_sql(SEQ, ())
    for connection in reader._kept:
        connection.close()
    assert reader.exec_driver_sql(SEQ, ())[0][0] == 0
    reader.close()


def test_a_statement_that_fails_names_no_value_and_leaves_no_connection(store: Engine) -> None:
    reader = Reader(store)
    mark = "?" if reader.dialect.name == "sqlite" else "%s"
    with pytest.raises(StoreError, match="cannot read the store: ") as failed:
        reader.exec_driver_sql(
            f"select nothing from consent_event where purpose = {mark}", ("CANARY-7",)
        )
    assert "CANARY-7" not in str(failed.value)
    assert reader._kept == []
    assert reader.exec_driver_sql(EVENTS.format(mark=mark), ("CANARY-7",)) == []
    reader.close()


def test_a_store_that_is_gone_is_an_error_that_says_so(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'store' / 'assent.sqlite'}")
    store.dispose()
    for path in (tmp_path / "store").iterdir():
        path.unlink()
    (tmp_path / "store").rmdir()
    with pytest.raises(StoreError, match="check that it is reachable"):
        Reader(store).exec_driver_sql(SEQ, ())
