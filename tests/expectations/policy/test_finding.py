"""Codes are a promise: each is explained to people, and none twice."""

import json
import re
from pathlib import Path

import jsonschema

from expectations.policy.finding import TITLES, Code, Finding
from expectations.policy.lineage.edges import Column
from expectations.policy.sarif import sarif

PAGE = Path(__file__).parents[3] / "docs" / "policy.md"
#: The parts of the standard's schema that a viewer relies on.
SHAPE = {
    "type": "object",
    "required": ["version", "runs"],
    "properties": {"version": {"const": "2.1.0"}},
}


def test_the_documented_codes_are_those_of_the_checker() -> None:
    documented = re.findall(r"^\| (POL\d{3}) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert documented == sorted(code.value for code in Code)
    assert TITLES.keys() == set(Code)


def test_a_report_for_code_hosts_names_rule_place_and_path() -> None:
    path = (Column("landing", "crm", "email"), Column("outbound", "out", "email"))
    finding = Finding(Code.PURPOSE, "is used", "take it out", "a.yml", 7, "out", "email", path)
    report = json.loads(json.dumps(sarif([finding])))
    jsonschema.validate(report, SHAPE)
    (run,) = report["runs"]
    (result,) = run["results"]
    rules = run["tool"]["driver"]["rules"]
    assert rules[result["ruleIndex"]]["id"] == result["ruleId"] == "POL042"
    place = result["locations"][0]["physicalLocation"]
    assert (place["artifactLocation"]["uri"], place["region"]["startLine"]) == ("a.yml", 7)
    assert "landing.crm.email -> outbound.out.email" in result["message"]["text"]
