from collections.abc import Iterator

import pytest

from tests.activation.connectors.receiver import Receiver


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running
