"""The operational store: consent ledger, identity map, releases, approvals, syncs' intents."""

from activation.store.engine import StoreError, open_store, opened_store, transaction

__all__ = ["StoreError", "open_store", "opened_store", "transaction"]
