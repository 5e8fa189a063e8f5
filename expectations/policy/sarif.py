"""Findings as SARIF 2.1.0, which code hosts show beside the changed lines.

OASIS, Static Analysis Results Interchange Format (SARIF) Version 2.1.0,
https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

from collections.abc import Sequence
from typing import Any

from expectations.policy.finding import TITLES, Code, Finding

SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)


def sarif(findings: Sequence[Finding]) -> dict[str, Any]:
    """One run of the checker with every rule and one result a finding."""
    rules = list(Code)
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "assent check",
                        "rules": [
                            {"id": code.value, "shortDescription": {"text": TITLES[code]}}
                            for code in rules
                        ],
                    }
                },
                "columnKind": "unicodeCodePoints",
                "results": [_result(one, rules.index(one.code)) for one in findings],
            }
        ],
    }


def _result(finding: Finding, rule: int) -> dict[str, Any]:
    where = ".".join(filter(None, (finding.model, finding.column)))
    result: dict[str, Any] = {
        "ruleId": finding.code.value,
        "ruleIndex": rule,
        "level": "error",
        "message": {"text": f"{where}: {finding.message}. Fix: {finding.fix}."},
        "locations": [_location(finding, where)],
    }
    if finding.path:
        result["message"]["text"] += f" Path: {finding.leak}."
    return result


def _location(finding: Finding, where: str) -> dict[str, Any]:
    location: dict[str, Any] = {
        "physicalLocation": {
            "artifactLocation": {"uri": finding.file},
            "region": {"startLine": finding.line},
        }
    }
    if where:
        location["logicalLocations"] = [{"fullyQualifiedName": where}]
    return location
