"""Every node of the journeys has candidates, however small the world."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from orchestration.demo import rates, write_world
from tests.orchestration.demo.reader import all_rows, sound_rows
from tests.orchestration.demo.worlds import AS_OF, PEOPLE, SEED, Written


@pytest.mark.parametrize("people", [20, PEOPLE])
def test_every_node_has_candidates(people: int, base: Written, tmp_path: Path) -> None:
    landing = base.landing
    if people != PEOPLE:
        landing = tmp_path / "landing"
        write_world(landing, people=people, seed=SEED, as_of=AS_OF)
    assert min(candidates(landing).values()) >= rates.CANDIDATES_AT_LEAST


def candidates(landing: Path) -> dict[str, int]:
    """Candidates per node of the journeys, straight from the rows."""
    today = AS_OF.astimezone(UTC).date()

    def age(moment: str) -> int:
        return (today - datetime.fromisoformat(moment).astimezone(UTC).date()).days

    policies = all_rows(landing, "policy/policies")
    active = [row for row in policies if row["status"] == "active"]
    to_renewal = [(date.fromisoformat(row["renews_on"]) - today).days for row in active]
    lines: dict[str, set[str]] = {}
    for row in active:
        lines.setdefault(row["customer_number"], set()).add(row["product_line"])
    claims = [
        age(row["opened_at"])
        for row in sound_rows(landing / "policy/claims.csv", "policy/claims")
        if row["status"] in {"open", "in_review"}
    ]
    reached: dict[str, list[int]] = {}
    for row in all_rows(landing, "product/milestones"):
        reached.setdefault(row["account_id"], []).append(age(row["reached_at"]))
    accounts = {
        r["account_id"]: age(r["created_at"]) for r in all_rows(landing, "product/accounts")
    }
    negative = [
        row
        for row in all_rows(landing, "service/satisfaction")
        if row["score"] in {"1", "2"}
        and AS_OF - datetime.fromisoformat(row["responded_at"]) <= timedelta(hours=72)
    ]
    return {
        "renewal": sum(76 <= days <= 90 for days in to_renewal),
        "claim day 3": sum(3 <= days <= 6 for days in claims),
        "claim day 7": sum(7 <= days <= 13 for days in claims),
        "stalled": sum(
            len(reached[account]) < 5 and min(reached[account]) >= 7
            for account, days in accounts.items()
            if days <= 90 and account in reached
        ),
        "recovery": len(negative),
        "cross-sell": sum("motor" in held and "home" not in held for held in lines.values()),
    }
