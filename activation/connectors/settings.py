"""Reads destinations.yml, and builds the connector of a destination.

A destination names the environment variables that hold its secrets; the values come in as a
mapping. A secret written into the file is refused.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from activation.connectors.files import FilesConnector, path_part
from activation.connectors.postgres import PostgresConnector
from activation.connectors.protocol import Connector, ConnectorError
from activation.connectors.webhook import Timeouts, WebhookConnector
from expectations.located_yaml import read_yaml

_EnvironmentName = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]*$")]
_SqlName = Annotated[str, StringConstraints(pattern=r"^[a-z_][a-z0-9_]{0,62}$")]
_HINT = "secrets are given by the name of an environment variable: url_env, secret_env"


class _Destination(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    description: str = ""


class FilesSettings(_Destination):
    """Batches as files, in `directory` under the destination's name.

    A relative directory starts at the home, which is also the default.
    """

    connector: Literal["files"]
    directory: Path = Path()


class WebhookSettings(_Destination):
    """Signed webhooks. The whole URL is a secret for receivers that put a token into it."""

    connector: Literal["webhook"]
    url_env: _EnvironmentName
    secret_env: _EnvironmentName
    allow_private_hosts: frozenset[str] = frozenset()
    ca_file: Path | None = None
    connect_timeout_seconds: Annotated[float, Field(gt=0, le=60)] = 5
    answer_timeout_seconds: Annotated[float, Field(gt=0, le=60)] = 15


class PostgresSettings(_Destination):
    """Tables in one schema of a PostgreSQL database."""

    connector: Literal["postgres"]
    url_env: _EnvironmentName
    database_schema: Annotated[_SqlName, Field(alias="schema")] = "assent"
    create_tables: bool = False


DestinationSettings = Annotated[
    FilesSettings | WebhookSettings | PostgresSettings, Field(discriminator="connector")
]


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    destinations: dict[str, DestinationSettings]


def read_destinations(file: Path) -> Mapping[str, DestinationSettings]:
    """The destinations of the file, by name.

    Raises SourceError, which names file, line, field and fix, never a value.
    """
    source = read_yaml(file)
    document = source.validate(_Document, _HINT)
    for name in document.destinations:
        try:
            path_part(name)
        except ConnectorError as error:
            raise source.error(("destinations", name), str(error).rstrip(".")) from None
    return document.destinations


def build_connector(
    name: str,
    settings: DestinationSettings,
    *,
    home: Path,
    secrets: Mapping[str, str],
    clock: Callable[[], datetime],
) -> Connector:
    """The connector of the destination `name`.

    `secrets` maps names of environment variables to their values, `home` is where relative
    directories start, and `clock` gives the aware time for signatures. Raises ConnectorError,
    also when a variable is not set.
    """
    if isinstance(settings, FilesSettings):
        return FilesConnector(home / settings.directory, name)
    if isinstance(settings, PostgresSettings):
        return PostgresConnector(
            _secret(name, settings.url_env, secrets),
            settings.database_schema,
            create_tables=settings.create_tables,
        )
    return WebhookConnector(
        _secret(name, settings.url_env, secrets),
        _secret(name, settings.secret_env, secrets),
        clock=clock,
        allow_private_hosts=settings.allow_private_hosts,
        timeouts=Timeouts(settings.connect_timeout_seconds, settings.answer_timeout_seconds),
        ca_file=settings.ca_file,
    )


def _secret(destination: str, variable: str, secrets: Mapping[str, str]) -> str:
    value = secrets.get(variable, "")
    if not value:
        raise ConnectorError(
            f"Destination {destination!r} needs the environment variable {variable}: set it."
        )
    return value
