"""Alembic's environment: migrates over the connection that activation.store.migrate hands in."""

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext

from activation.store.metadata import Instant
from activation.store.migrate import VERSION_TABLE
from activation.store.tables import metadata


def _render_item(_kind: str, item: Any, _context: AutogenContext) -> str | Literal[False]:
    return "Instant()" if isinstance(item, Instant) else False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    render_item=_render_item,
)
with context.begin_transaction():
    context.run_migrations()
