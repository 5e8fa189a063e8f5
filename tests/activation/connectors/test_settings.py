"""destinations.yml: names of secrets instead of secrets, and errors that say where and what."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from activation.connectors import (
    ConnectorError,
    build_connector,
    read_destinations,
    settings,
)
from activation.connectors.files import FilesConnector
from activation.connectors.postgres import PostgresConnector
from activation.connectors.webhook import WebhookConnector
from expectations.located_yaml import SourceError
from tests.activation.connectors.receiver import SECRET

SECRETS = {
    "ASSENT_WEBHOOK_URL": "https://hooks.example.com/t",
    "ASSENT_WEBHOOK_SECRET": SECRET,
    "ASSENT_POSTGRES_URL": "postgresql://localhost/crm",
}


def write(folder: Path, text: str) -> Path:
    file = folder / "destinations.yml"
    file.write_text(text)
    return file


def test_the_shipped_destinations_build_their_connectors(tmp_path: Path) -> None:
    shipped = read_destinations(Path(settings.__file__).with_name("destinations.yml"))
    built = {
        name: build_connector(
            name, declared, home=tmp_path, secrets=SECRETS, clock=lambda: datetime.now(UTC)
        )
        for name, declared in shipped.items()
    }
    assert {name: type(connector) for name, connector in built.items()} == {
        "outbox": FilesConnector,
        "webhook": WebhookConnector,
        "postgres": PostgresConnector,
    }
    for connector in built.values():
        connector.close()


def test_a_missing_secret_is_named_by_its_variable(tmp_path: Path) -> None:
    shipped = read_destinations(Path(settings.__file__).with_name("destinations.yml"))
    with pytest.raises(ConnectorError, match=r"'postgres' needs .* ASSENT_POSTGRES_URL"):
        build_connector(
            "postgres", shipped["postgres"], home=tmp_path, secrets={}, clock=datetime.now
        )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "destinations:\n  hook:\n    connector: webhook\n    url_env: A\n    secret_env: B\n"
            "    secret: hush\n",
            r"destinations\.yml:6: .*secret: is not a known field\. Fix: remove it.*url_env",
        ),
        (
            "destinations:\n  hook:\n    connector: webhook\n    url_env: https://hush\n"
            "    secret_env: B\n",
            r"destinations\.yml:4: .*url_env: String should match",
        ),
        (
            "destinations:\n  hook:\n    connector: carrier_pigeon\n",
            r"destinations\.yml:2: .*'files', 'webhook', 'postgres'",
        ),
        (
            "destinations:\n  ../up:\n    connector: files\n",
            r"destinations\.yml:2: .*not usable as a directory",
        ),
        ("destinations: [\n", r"destinations\.yml:2: is not YAML"),
        ("", r"destinations\.yml:1: the file is empty"),
        ("other: 1\n", r"destinations\.yml:1: other: is not a known field"),
        ("{}\n", r"destinations\.yml:1: destinations: is required"),
    ],
)
def test_a_fault_is_shown_with_file_line_field_and_fix(
    tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(SourceError, match=message) as caught:
        read_destinations(write(tmp_path, text))
    assert "hush" not in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"absent\.yml: can't be read"):
        read_destinations(tmp_path / "absent.yml")
