"""SARIF is read by a package that was generated from the standard's own schema, which refuses every
property that the schema does not have."""

from pydantic_sarif.model import StaticAnalysisResultsFormatSarifVersion210JsonSchema as Sarif

from expectations.policy.finding import Code, Finding
from expectations.policy.lineage.edges import Column
from expectations.policy.sarif import sarif

PATH = (Column("landing", "claims", "status"), Column("profiles", "per_claims", "status"))


def test_a_finding_of_every_code_is_valid_sarif() -> None:
    findings = [
        Finding(code, "leaks", "mend it", "models/a.sql", 3, "mart.a", "status", PATH)
        for code in Code
    ]
    (run,) = Sarif.model_validate(sarif(findings)).runs
    assert run.results is not None
    assert len(run.results) == len(Code)
    rules = run.tool.driver.rules
    assert rules is not None
    for result, finding in zip(run.results, findings, strict=True):
        assert result.ruleId == rules[result.ruleIndex].id == finding.code.value
        assert finding.leak in str(result.message.model_dump())


def test_a_finding_about_no_column_and_a_check_without_findings_are_valid_sarif() -> None:
    plain = Finding(next(iter(Code)), "is wrong", "mend it", "models/a.yml", 1)
    assert len(Sarif.model_validate(sarif([plain])).runs[0].results or ()) == 1
    assert Sarif.model_validate(sarif([])).runs[0].results == []
