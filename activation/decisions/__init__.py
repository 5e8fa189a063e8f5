"""Decisions: candidates of the journeys, through the gates, to one row each with its reason."""

from activation.decisions.approvals import current_approvals
from activation.decisions.contract import COLUMNS, SCHEMA, DecisionError
from activation.decisions.deciding import decide
from activation.decisions.gates import Gate, Outcome
from activation.decisions.materialising import materialise
from activation.decisions.reasons import SENTENCES
from activation.decisions.recording import record_inputs
from activation.decisions.replaying import Difference, Replay, ReplayImpossible, replay
from activation.decisions.tables import (
    append_decisions,
    ensure_tables,
    record_release,
    replace_successors,
)
from activation.release.release import Release

__all__ = [
    "COLUMNS",
    "SCHEMA",
    "SENTENCES",
    "DecisionError",
    "Difference",
    "Gate",
    "Outcome",
    "Release",
    "Replay",
    "ReplayImpossible",
    "append_decisions",
    "current_approvals",
    "decide",
    "ensure_tables",
    "materialise",
    "record_inputs",
    "record_release",
    "replace_successors",
    "replay",
]
