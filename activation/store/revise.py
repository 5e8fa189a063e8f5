"""Writes the next migration, for whoever changes a table of the store.

    python -m activation.store.revise 0002 "what changes"

Read the file afterwards and add what Alembic cannot see: triggers and rows.
"""

import sys
import tempfile

from alembic import command
from sqlalchemy import create_engine

from activation.store.migrate import alembic_config, migrate


def write_revision(revision_id: str, message: str) -> None:
    """Write the migration from the migrated schema to the tables as they are defined now."""
    with tempfile.TemporaryDirectory() as directory:
        engine = create_engine(f"sqlite:///{directory}/store.sqlite")
        with engine.begin() as connection:
            migrate(connection)
            command.revision(
                alembic_config(connection), message=message, autogenerate=True, rev_id=revision_id
            )
        engine.dispose()


if __name__ == "__main__":
    write_revision(*sys.argv[1:])
