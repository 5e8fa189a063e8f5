"""Carries decisions and audiences to destinations, and nothing that consent no longer allows."""

from activation.syncs.guard import Guards
from activation.syncs.lease import SyncBusyError
from activation.syncs.report import SyncReport
from activation.syncs.retry import RetryPolicy
from activation.syncs.run import run_sync
from activation.syncs.spec import SyncError, SyncSpec, check_targets

__all__ = [
    "Guards",
    "RetryPolicy",
    "SyncBusyError",
    "SyncError",
    "SyncReport",
    "SyncSpec",
    "check_targets",
    "run_sync",
]
