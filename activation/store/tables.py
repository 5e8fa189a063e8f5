"""All tables of the operational store, gathered on one MetaData."""

from activation.store.metadata import metadata
from activation.store.tables_consent import consent_event, ledger_head
from activation.store.tables_identity import identity_change, identity_map, identity_override
from activation.store.tables_privacy import (
    erased_identifier,
    erasure,
    erasure_step,
    privacy_permit,
    retention_run,
)
from activation.store.tables_release import (
    approval,
    bundle_refusal,
    node_halt,
    release,
    release_canary,
    release_file,
    release_pointer,
    release_review,
    release_signature,
)
from activation.store.tables_sync import sync_intent, sync_outcome, sync_state

__all__ = [
    "approval",
    "bundle_refusal",
    "consent_event",
    "erased_identifier",
    "erasure",
    "erasure_step",
    "identity_change",
    "identity_map",
    "identity_override",
    "ledger_head",
    "metadata",
    "node_halt",
    "privacy_permit",
    "release",
    "release_canary",
    "release_file",
    "release_pointer",
    "release_review",
    "release_signature",
    "retention_run",
    "sync_intent",
    "sync_outcome",
    "sync_state",
]
