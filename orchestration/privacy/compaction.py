"""Rewrites the warehouse and the store so that no deleted byte stays in their files.

DuckDB keeps deleted values in its file through DELETE, CHECKPOINT and VACUUM (measured on 1.5.5);
only a copy into a new file is free of them.
"""

import os
from pathlib import Path

from sqlalchemy import Engine

from activation.log.durable import sync_directory
from orchestration.warehouse import copy_warehouse

PARTIAL = ".compacting"


def compact_warehouse(path: Path) -> tuple[int, int]:
    """Copy the warehouse into a new file and put that in its place; returns bytes before, after.

    The old file stays whole until the rename. Raises WarehouseBusyError while another process has
    it open.
    """
    if not path.exists():
        return 0, 0
    before = path.stat().st_size
    partial = path.with_name(f"{path.name}{PARTIAL}")
    sweep_partial(path)
    copy_warehouse(path, partial)
    descriptor = os.open(partial, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)
    partial.replace(path)
    path.with_name(f"{path.name}.wal").unlink(missing_ok=True)
    sync_directory(path.parent)
    return before, path.stat().st_size


def sweep_partial(path: Path) -> None:
    """Remove what a killed compaction left."""
    for suffix in (PARTIAL, f"{PARTIAL}.wal"):
        path.with_name(f"{path.name}{suffix}").unlink(missing_ok=True)


def compact_store(engine: Engine) -> bool:
    """Rewrite an SQLite store; False on PostgreSQL, where VACUUM FULL is its operator's to run."""
    if engine.dialect.name != "sqlite":
        return False
    raw = engine.raw_connection()
    try:
        cursor = raw.cursor()
        cursor.execute("pragma secure_delete = on")
        cursor.execute("vacuum")
        cursor.execute("pragma wal_checkpoint(truncate)")
        cursor.close()
    finally:
        raw.close()
    return True
