"""The decision log: append-only, signed, provable, with openings that can be erased."""

from typing import TYPE_CHECKING

from activation.deferred import deferred

if TYPE_CHECKING:
    from activation.log.checkpoints import BatchHeader
    from activation.log.decision_log import DecisionLog
    from activation.log.errors import (
        DecisionUnknown,
        DuplicateDecision,
        KeyProblem,
        LogBusy,
        LogDamaged,
        LogError,
        NoteRefused,
        RowRefused,
    )
    from activation.log.inputs import Inputs, Recorded
    from activation.log.keys import adopt_next_key, load_or_create_key
    from activation.log.notes import PublicKey, SigningKey
    from activation.log.openings import Opening
    from activation.log.proofs import ConsistencyProof, InclusionProof
    from activation.log.rotation import KeyChain, Transition
    from activation.log.rows import DECISION_COLUMNS, FORMAT, GIVEN_SCHEMA, READ_SCHEMA
    from activation.log.sealing import Batch
    from activation.log.stream import LogStream
    from activation.log.verification import VerifyReport
    from activation.log.walk import Finding

_MODULES = {
    "DECISION_COLUMNS": ".rows",
    "FORMAT": ".rows",
    "GIVEN_SCHEMA": ".rows",
    "READ_SCHEMA": ".rows",
    "Batch": ".sealing",
    "BatchHeader": ".checkpoints",
    "ConsistencyProof": ".proofs",
    "DecisionLog": ".decision_log",
    "DecisionUnknown": ".errors",
    "DuplicateDecision": ".errors",
    "Finding": ".walk",
    "InclusionProof": ".proofs",
    "Inputs": ".inputs",
    "KeyChain": ".rotation",
    "KeyProblem": ".errors",
    "LogBusy": ".errors",
    "LogDamaged": ".errors",
    "LogError": ".errors",
    "LogStream": ".stream",
    "NoteRefused": ".errors",
    "Opening": ".openings",
    "PublicKey": ".notes",
    "Recorded": ".inputs",
    "RowRefused": ".errors",
    "SigningKey": ".notes",
    "Transition": ".rotation",
    "VerifyReport": ".verification",
    "adopt_next_key": ".keys",
    "load_or_create_key": ".keys",
}

__all__ = [
    "DECISION_COLUMNS",
    "FORMAT",
    "GIVEN_SCHEMA",
    "READ_SCHEMA",
    "Batch",
    "BatchHeader",
    "ConsistencyProof",
    "DecisionLog",
    "DecisionUnknown",
    "DuplicateDecision",
    "Finding",
    "InclusionProof",
    "Inputs",
    "KeyChain",
    "KeyProblem",
    "LogBusy",
    "LogDamaged",
    "LogError",
    "LogStream",
    "NoteRefused",
    "Opening",
    "PublicKey",
    "Recorded",
    "RowRefused",
    "SigningKey",
    "Transition",
    "VerifyReport",
    "adopt_next_key",
    "load_or_create_key",
]

__getattr__ = deferred(__name__, _MODULES)
