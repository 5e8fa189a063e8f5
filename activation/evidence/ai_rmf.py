"""A profile of the NIST AI Risk Management Framework 1.0: for each of its 72 outcomes whether it is
machine-checked, attested by a person, or absent. Nothing is claimed that neither proves."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from activation.evidence.ai_rmf_checks import CHECKS
from activation.evidence.document import Document, Section, Table, cell
from activation.evidence.inputs import EvidenceInputs
from activation.evidence.organisation import Attestation
from expectations.located_yaml import SourceError, read_yaml

OUTCOMES_FILE = Path(__file__).with_name("ai_rmf_outcomes.yml")
FUNCTIONS = {"GOVERN": 19, "MAP": 18, "MEASURE": 22, "MANAGE": 13}
SHOWN_FAULTS = 5

_OutcomeId = Annotated[str, Field(pattern=r"^(GOVERN|MAP|MEASURE|MANAGE) \d\.\d{1,2}$")]


class Outcomes(BaseModel):
    """The outcomes by id, with what each asks for in our own words."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    outcomes: dict[_OutcomeId, Annotated[str, Field(min_length=1)]]

    @model_validator(mode="after")
    def _all_are_there(self) -> "Outcomes":
        for function, count in FUNCTIONS.items():
            found = sum(one.split()[0] == function for one in self.outcomes)
            if found != count:
                raise ValueError(f"{function} has {found} outcomes and the framework {count}")
        return self


def load_outcomes(path: Path = OUTCOMES_FILE) -> dict[str, str]:
    """Outcome id -> what it asks for. Raises SourceError with file, line, field and fix."""
    return read_yaml(path).validate(Outcomes).outcomes


def profile(inputs: EvidenceInputs) -> dict[str, Any]:
    """The profile as plain data. Raises SourceError when an attestation names an outcome or a file
    that does not exist."""
    outcomes = load_outcomes()
    attested = {one.outcome: one for one in inputs.organisation.attestations}
    for attestation in attested.values():
        _check_attestation(inputs, attestation, outcomes)
    entries = [
        {"id": outcome, "asks": asks, **_state(inputs, outcome, attested.get(outcome))}
        for outcome, asks in outcomes.items()
    ]
    states = ("machine_checked", "attested", "absent")
    return {
        "document": "ai_rmf_profile",
        "basis": "NIST AI 100-1 (AI RMF 1.0)",
        "revision": inputs.revision,
        "counts": {state: sum(one["state"] == state for one in entries) for state in states},
        "outcomes": entries,
    }


def _check_attestation(
    inputs: EvidenceInputs, attestation: Attestation, outcomes: dict[str, str]
) -> None:
    where = f"attestations: {attestation.outcome}"
    if attestation.outcome not in outcomes:
        raise SourceError(
            "organisation.yml", None, where, "the framework has no such outcome", "correct the id"
        )
    if not (inputs.root / attestation.file).is_file():
        raise SourceError(
            "organisation.yml",
            None,
            where,
            f"{attestation.file} does not exist",
            "name the document that was attested, by its path in the repository",
        )


def _state(inputs: EvidenceInputs, outcome: str, attestation: Attestation | None) -> dict[str, Any]:
    """The outcome's state. An attestation never hides a check that fails."""
    checks = [one for one in CHECKS if one.outcome == outcome]
    results = []
    for check in checks:
        faults = list(check.faults(inputs))
        results.append(
            {
                "checks": check.checks,
                "command": check.command,
                "result": f"{check.counted(inputs)}: {_result(faults)}",
                "passed": not faults,
            }
        )
    passed = bool(results) and all(one["passed"] for one in results)
    found: dict[str, Any] = {"state": "absent"}
    if passed:
        found = {"state": "machine_checked"}
    elif attestation is not None and not results:
        found = {"state": "attested"}
    if results:
        found["machine_checks"] = results
    if attestation is not None:
        found["attestation"] = attestation.model_dump(mode="json", exclude={"outcome"})
    return found


def _result(faults: list[str]) -> str:
    if not faults:
        return "all pass"
    more = f" and {len(faults) - SHOWN_FAULTS} more" if len(faults) > SHOWN_FAULTS else ""
    return f"{len(faults)} fail: {'; '.join(faults[:SHOWN_FAULTS])}{more}"


def profile_document(content: dict[str, Any]) -> Document:
    """The profile for reading."""
    counts = content["counts"]
    return Document(
        "NIST AI RMF profile",
        (
            "For each of the 72 outcomes of the AI Risk Management Framework 1.0: machine-checked "
            "(a command shows it on this revision), attested (a named person signed a named "
            "document on a date) or absent. A machine check covers the part of the outcome that "
            "its text names, and no more. Absent means that nothing here proves it.",
            f"Machine-checked {counts['machine_checked']}, attested {counts['attested']}, absent "
            f"{counts['absent']}.",
        ),
        tuple(
            Section(
                function.capitalize(),
                tables=(
                    Table(
                        f"{function.capitalize()}: {count} outcomes",
                        ("outcome", "asks for", "state", "evidence"),
                        tuple(
                            (one["id"], one["asks"], one["state"].replace("_", "-"), _evidence(one))
                            for one in content["outcomes"]
                            if one["id"].split()[0] == function
                        ),
                    ),
                ),
            )
            for function, count in FUNCTIONS.items()
        ),
        content["revision"],
    )


def _evidence(outcome: dict[str, Any]) -> str:
    lines = [
        f"{one['checks']} ({one['command']}): {one['result']}"
        for one in outcome.get("machine_checks", [])
    ]
    if "attestation" in outcome:
        one = outcome["attestation"]
        lines.append(f"{one['file']}, {one['person']}, {one['date']}")
    return cell(lines)
