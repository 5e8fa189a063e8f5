"""Contract files are data that others write: an error names file, field and fix."""

from pathlib import Path

import pytest

from expectations.contract import read_contract, read_contracts
from expectations.located_yaml import SourceError

CONTRACTS = Path(__file__).parents[2] / "expectations" / "contracts"

VALID = """
table: contexts.ctx_policy
gate: decisions
owner: team@assent.example
description: What a decision may ask.
key: [person_id]
freshness: {column: source_at, max_age_hours: 2}
volume: {minimum_rows: 1}
rules:
  - id: status_is_known
    description: no other status
    check: values
    columns: [status]
    values: [active]
"""


def written(tmp_path: Path, text: str, name: str = "contexts.ctx_policy.yml") -> Path:
    path = tmp_path / name
    path.write_text(text)
    return path


def test_every_contract_of_the_project_is_valid_and_both_gates_have_some() -> None:
    gates = [contract.gate for contract in read_contracts(CONTRACTS)]
    assert gates.count("decisions") >= 5
    assert gates.count("syncs") >= 5


def test_each_contract_has_the_rules_that_an_empty_or_old_table_must_break(tmp_path: Path) -> None:
    rules = [rule for rule, _, _ in read_contract(written(tmp_path, VALID)).checks()]
    assert rules == ["volume", "freshness", "key_unique", "key_present", "status_is_known"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("gate: decisions", "gate: decision"), "gate"),
        (("max_age_hours: 2", "max_age_hours: 0"), "max_age_hours"),
        (("key: [person_id]", "key: []"), "key"),
        (("values: [active]", "value: [active]"), "value"),
        (("check: values", "check: sql"), "selecting the rows that break the rule"),
        (("id: status_is_known", "id: freshness"), "freshness stands twice"),
        (("owner: team@assent.example\n", ""), "owner"),
        (("table: contexts.ctx_policy", "table: contexts.other"), "rename the file"),
        (("gate: decisions", "gate: decisions\ngate: syncs"), "gate: the key stands twice"),
        (("key: [person_id]", "key: [person_id"), "is not YAML"),
        (("columns: [status]", 'columns: ["status; drop table x"]'), "columns"),
    ],
)
def test_a_wrong_contract_is_refused_with_file_and_field(
    tmp_path: Path, change: tuple[str, str], said: str
) -> None:
    assert change[0] in VALID
    path = written(tmp_path, VALID.replace(*change))
    with pytest.raises(SourceError) as refused:
        read_contract(path)
    assert "contexts.ctx_policy.yml" in str(refused.value)
    assert said in str(refused.value)


def test_a_folder_without_contracts_is_refused_because_its_gate_would_be_open(
    tmp_path: Path,
) -> None:
    with pytest.raises(SourceError, match="a gate with no rules is open"):
        read_contracts(tmp_path)
