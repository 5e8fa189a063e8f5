"""Edits of a sync: each one that lets more leave is told, no other one is."""

from typing import Any

import pytest

from activation.syncs.allowance import sync_allowances
from activation.syncs.spec import SyncSpec
from expectations.policy.allowance import looser

HEALTH = {"category": "user.health_and_medical", "reason": "a contract", "approved_by": "dpo"}
BASIS = {"mechanism": "scc", "reference": "DPA-7", "expires": "2027-06-01"}
META = {
    "destination": "outbox",
    "connector": "files",
    "region": "uk",
    "processor": "none",
    "purpose": ["marketing", "renewal"],
    "object": "audience",
    "mode": "mirror",
    "key": ["person_id"],
    "fields": ["person_id", "address"],
    "guards": {"max_rows": 100},
    "transfer": BASIS,
    "denied_categories": ["user.financial"],
    "special_categories": [{**HEALTH, "expires": "2027-01-01"}],
}


def told(change: dict[str, Any]) -> list[str]:
    before, after = (
        sync_allowances([SyncSpec.from_meta("out", "outbound.out", meta)])
        for meta in (META, {**META, **change})
    )
    return [word for _, words in looser(before, after) for word in words]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"destination": "crm"}, "destination is crm instead of outbox"),
        ({"connector": "webhook"}, "connector is webhook instead of files"),
        ({"region": "us"}, "region is us instead of uk"),
        ({"processor": "Example Ltd"}, "processor is Example Ltd instead of none"),
        ({"fields": ["person_id", "address", "born"]}, "fields gain born"),
        ({"purpose": ["marketing", "renewal", "profiling"]}, "purposes gain profiling"),
        ({"key": ["address"]}, "key is address instead of person_id"),
        ({"enabled_by_default": True}, "occasions gain every run"),
        ({"guards": {}}, "max_rows was 100 and is no longer limited"),
        (
            {"guards": {"max_rows": 100, "max_delete_share": 0.9}},
            "max_delete_share is 0.9 instead of 0.5",
        ),
        ({"denied_categories": []}, "denied_categories lose user.financial"),
        (
            {"transfer": {**BASIS, "expires": "2028-06-01"}},
            "transfer by scc (DPA-7) holds until 2028-06-01 instead of 2027-06-01",
        ),
        (
            {"transfer": {**BASIS, "mechanism": "bcr"}},
            "transfer by bcr (DPA-7) is new and holds until 2027-06-01",
        ),
        (
            {"special_categories": [{**HEALTH, "expires": "2027-02-01"}]},
            "exception for user.health_and_medical holds until 2027-02-01 instead of 2027-01-01",
        ),
    ],
)
def test_an_edit_that_lets_more_leave_is_told(change: dict[str, Any], said: str) -> None:
    assert told(change) == [said]


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"fields": ["person_id"]},
        {"purpose": ["renewal"]},
        {"guards": {"max_rows": 50, "max_delete_share": 0.1}},
        {"transfer": None},
        {"transfer": {**BASIS, "expires": "2027-01-01"}},
        {"denied_categories": ["user.financial", "user.health_and_medical"]},
        {"special_categories": []},
    ],
)
def test_an_edit_that_lets_the_same_or_less_leave_is_not_told(change: dict[str, Any]) -> None:
    assert told(change) == []
