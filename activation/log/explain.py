"""One decision in plain words, for the person it is about and for whoever answers them."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from activation.log.openings import Opening

_VERDICT: Final = {
    "act": "It was decided to act",
    "defer": "It was decided to wait and ask again at the next run",
    "hold": "It was held until a person approves it",
    "withhold": "It was decided not to act",
}
_ARM: Final = {
    "control": "The person is in the control group, which is left alone to measure the effect.",
    "treatment": "The person is in the group that may be contacted, not in the control group.",
}


def explain(
    row: Mapping[str, object],
    *,
    opening: Opening | None,
    description: str,
    sentence: str | None = None,
    reasons: Mapping[str, str] | None = None,
    gates: Sequence[str] = (),
) -> str:
    """Several lines of plain text about one row of the log (DecisionLog.find).

    `description` and `sentence` come from the journey; the sentence's {field} places are filled
    from the opening. `reasons` maps reason codes to their text, and `gates` names the bits of
    gate_mask from bit 0 on. An unknown code is shown as it is. Says so when the data was erased.
    """
    texts = reasons or {}
    context = _context(opening)
    lines = [
        f"Decision {row['decision_id'] or '(erased)'}, made for {_instant(row['as_of'])}.",
        f"Subject: {row['node']} for {_subject(row)}. {description.strip()}",
        _outcome(row, texts),
        _permission(row),
        *_failed_gates(row, gates),
        *_arm(row),
        *_basis_of_fact(sentence, context),
        f"Rules: release {row['release']}. Proof: batch {row['batch']}, seq {row['seq']}.",
    ]
    return "\n".join(line for line in lines if line)


def _subject(row: Mapping[str, object]) -> object:
    if row["person_id"] is None:
        return "a person whose data has been erased"
    return row["subject_id"] or "the person"


def _instant(moment: object) -> str:
    if isinstance(moment, datetime):
        return moment.strftime("%Y-%m-%d %H:%M UTC")
    return str(moment)


def _reason(code: object, texts: Mapping[str, str]) -> str:
    return texts.get(str(code), str(code)).strip().rstrip(".")


def _outcome(row: Mapping[str, object], texts: Mapping[str, str]) -> str:
    verdict = _VERDICT.get(str(row["outcome"]), f"Outcome: {row['outcome']}")
    way = ""
    if row["outcome"] == "act" and row["action"]:
        way = f" ({row['action']}" + (f" by {row['channel']})" if row["channel"] else ")")
    because = f": {_reason(row['reason'], texts)}" if row["reason"] else ""
    return f"{verdict}{way}{because}."


def _permission(row: Mapping[str, object]) -> str:
    parts = []
    if row["purpose"]:
        parts.append(f"Purpose: {row['purpose']}")
    if row["lawful_basis"]:
        parts.append(f"lawful basis: {str(row['lawful_basis']).replace('_', ' ')}")
    if row["evidence"]:
        parts.append(f"evidence: consent event {row['evidence']}")
    if row["watermark"] is not None:
        parts.append(f"consent known up to ledger entry {row['watermark']}")
    return "; ".join(parts) + "." if parts else ""


def _failed_gates(row: Mapping[str, object], gates: Sequence[str]) -> list[str]:
    mask = int(str(row["gate_mask"] or 0))
    failed = [name.replace("_", " ") for bit, name in enumerate(gates) if mask >> bit & 1]
    # The first one is the reason already given; the others answer "and if it weren't for that?".
    return [f"Checks that failed: {', '.join(failed)}."] if len(failed) > 1 else []


def _arm(row: Mapping[str, object]) -> list[str]:
    text = _ARM.get(str(row["arm"]))
    return [text] if text else []


def _context(opening: Opening | None) -> dict[str, object] | None:
    return dict(json.loads(opening.context)) if opening and opening.context else None


def _basis_of_fact(sentence: str | None, context: dict[str, object] | None) -> list[str]:
    if context is None:
        return ["The data it rested on has been erased; the decision itself stays provable."]
    lines = []
    if sentence:
        filled = re.sub(
            r"\{(\w+)\}", lambda match: str(context.get(match[1], match[0])), sentence.strip()
        )
        lines.append(filled)
    if context:
        facts = (
            f"{name} = {'none' if value is None else value}" for name, value in context.items()
        )
        lines.append("Data it rested on: " + ", ".join(facts) + ".")
    return lines
