"""Brings a store's schema to this version's with the migrations that the package carries."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text

if TYPE_CHECKING:
    from alembic.config import Config

VERSION_TABLE = "schema_version"
_NAMED = re.compile(r'^revision = "(\w+)"$', re.MULTILINE)
_FOLLOWS = re.compile(r'^down_revision = "(\w+)"$', re.MULTILINE)
_MIGRATIONS = Path(__file__).parent / "migrations"


class UnknownSchema(Exception):
    """The store's schema was written by another version."""


def alembic_config(connection: Connection | None = None) -> "Config":
    """The Alembic configuration of the store; `connection` is the one that env.py migrates."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", _MIGRATIONS.as_posix().replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    config.attributes["connection"] = connection
    return config


def migrate(connection: Connection) -> None:
    """Run the missing migrations inside the caller's transaction.

    Alembic is imported only where there is something to do: it takes as long as a whole rollback.
    Raises UnknownSchema when the schema is not one of this version's.
    """
    if _version(connection) == _newest():
        return
    from alembic import command
    from alembic.util.exc import CommandError

    try:
        command.upgrade(alembic_config(connection), "head")
    except CommandError as error:
        raise UnknownSchema(str(error)) from None


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    return connection.execute(text(f"select version_num from {VERSION_TABLE}")).scalar()


def _newest() -> str:
    """The migration that no other one follows, read without importing any."""
    texts = [path.read_text(encoding="utf-8") for path in (_MIGRATIONS / "versions").glob("*.py")]
    followed = {one for text in texts for one in _FOLLOWS.findall(text)}
    (newest,) = {one for text in texts for one in _NAMED.findall(text)} - followed
    return newest
