from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine

from activation.connectors.files import FilesConnector
from activation.connectors.webhook import Timeouts, WebhookConnector
from activation.store import open_store
from tests.activation.connectors.receiver import SECRET, Receiver


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = open_store(f"sqlite:///{tmp_path}/assent.sqlite")
    yield engine
    engine.dispose()


@pytest.fixture
def outbox(tmp_path: Path) -> Path:
    return tmp_path / "outbox"


@pytest.fixture
def files(outbox: Path) -> FilesConnector:
    return FilesConnector(outbox, "demo")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


@pytest.fixture
def webhook(receiver: Receiver) -> Iterator[WebhookConnector]:
    connector = WebhookConnector(
        receiver.url,
        SECRET,
        clock=lambda: datetime.now(UTC),
        allow_private_hosts=frozenset({"127.0.0.1"}),
        # A receiver that waits for another thread is not away, however slow the machine.
        timeouts=Timeouts(connect=30, answer=60),
    )
    yield connector
    connector.close()
