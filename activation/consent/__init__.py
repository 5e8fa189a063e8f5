"""Consent: the ledger of what people said, the regimes, and the table that makes them permits."""
