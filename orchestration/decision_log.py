"""The decision log of a home: where it is, and the key that signs it."""

import os

from activation.log import DecisionLog, load_or_create_key
from orchestration.environment import Home

LOG_ORIGIN = "assent.example/decisions"


def open_log(home: Home, *, writing: bool) -> DecisionLog:
    """The home's decision log; with its signing key when it is to be written."""
    if not writing:
        return DecisionLog(home.decision_log)
    key = load_or_create_key(home.keys, origin=LOG_ORIGIN, entropy=os.urandom)
    return DecisionLog(home.decision_log, signing_key=key, copies=home.checkpoint_copies)
