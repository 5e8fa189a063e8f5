"""Decisions: candidates of the journeys, through the gates, to one row each with its reason."""

from typing import TYPE_CHECKING

from activation.deferred import deferred

if TYPE_CHECKING:
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

_MODULES = {
    "COLUMNS": ".contract",
    "SCHEMA": ".contract",
    "SENTENCES": ".reasons",
    "DecisionError": ".contract",
    "Difference": ".replaying",
    "Gate": ".gates",
    "Outcome": ".gates",
    "Release": "activation.release.release",
    "Replay": ".replaying",
    "ReplayImpossible": ".replaying",
    "append_decisions": ".tables",
    "current_approvals": ".approvals",
    "decide": ".deciding",
    "ensure_tables": ".tables",
    "materialise": ".materialising",
    "record_inputs": ".recording",
    "record_release": ".tables",
    "replace_successors": ".tables",
    "replay": ".replaying",
}

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

__getattr__ = deferred(__name__, _MODULES)
