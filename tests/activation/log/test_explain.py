"""One decision in plain words."""

from pathlib import Path

from activation.log.explain import explain
from tests.activation.log.worlds import make_log

REASONS = {
    "selected": "All conditions were met.",
    "withdrawn": "The person has withdrawn their consent.",
    "caps": "Enough messages were sent this week.",
}
GATES = ("closed", "reachable", "holdout", "caps", "cooldown", "quiet_hours")
DESCRIPTION = "A reminder 90 to 76 days before a policy renews."
SENTENCE = "Your policy {policy_number} renews in {days_to_renewal} days; {unknown} stays."


def told(home: Path, row: int, *, erased: bool = False) -> str:
    log = make_log(home, (2,))
    if erased:
        log.erase(["p_0", "p_1"])
    return explain(
        log.find(row),
        opening=log.opening(row),
        description=DESCRIPTION,
        sentence=SENTENCE,
        reasons=REASONS,
        gates=GATES,
    )


def test_an_action_says_what_was_decided_on_which_basis_and_from_which_data(tmp_path: Path) -> None:
    lines = told(tmp_path, 0).split("\n")
    assert lines[0].endswith("made for 2026-11-20 07:00 UTC.")
    assert "It was decided to act (renewal_offer by email): All conditions were met." in lines
    assert (
        "Purpose: renewal; lawful basis: consent; evidence: consent event ce_0; "
        "consent known up to ledger entry 41." in lines
    )
    assert "Your policy P-0 renews in 80 days; {unknown} stays." in lines
    assert "Data it rested on: days_to_renewal = 80, policy_number = P-0." in lines
    assert lines[-1] == "Rules: release r_0123456789ab. Proof: batch 1, seq 0."


def test_a_refusal_says_why(tmp_path: Path) -> None:
    text = told(tmp_path, 1)
    assert "It was decided not to act: The person has withdrawn their consent." in text
    assert "Checks that failed" not in text


def test_an_erased_decision_says_so_and_tells_the_rest(tmp_path: Path) -> None:
    text = told(tmp_path, 0, erased=True)
    assert "has been erased" in text
    assert "P-0 renews" not in text
    assert "days_to_renewal" not in text
    assert "All conditions were met" in text


def test_further_gates_and_the_control_group_are_told(tmp_path: Path) -> None:
    decision = make_log(tmp_path, (2,)).find(
        make_log(tmp_path).read()["decision_id"][1].as_py()
    ) | {"gate_mask": 0b101000, "arm": "control", "reason": "caps"}
    text = explain(decision, opening=None, description="", reasons=REASONS, gates=GATES)
    assert "Checks that failed: caps, quiet hours." in text
    assert "control group" in text


def test_an_unknown_reason_is_shown_as_its_code(tmp_path: Path) -> None:
    log = make_log(tmp_path, (2,))
    decision = log.find(log.read()["decision_id"][1].as_py())
    text = explain(decision, opening=None, description="")
    assert "It was decided not to act: withdrawn." in text
