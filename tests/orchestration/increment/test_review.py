"""Matters for review that reach out of what an increment solves anew."""

import random
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from orchestration.matching.scoring import SCORES, Model
from tests.orchestration.increment.runs import Given, differences, run, run_in_full
from tests.orchestration.increment.warehouse import created, land
from tests.orchestration.increment.world import AS_OF, Row, World

CUSTOMERS = ("policy.policyholders:N1", "policy.policyholders:N2")


class TwoCustomers(World):
    """Two customers with one phone number and a high score, and a ticket that one of them wrote."""

    def begin(self) -> None:
        for number in (1, 2):
            self.rows["stg_policy__policyholders"][str(number)] = {
                "record_key": CUSTOMERS[number - 1],
                "customer_number": f"N{number}",
                "email": f"n{number}@a.example",
                "phone_e164": "+447700900001",
            }
        for number in (8, 9):
            self.rows["stg_crm__contacts"][str(number)] = {
                "record_key": f"crm.contacts:C{number}",
                "contact_id": f"C{number}",
                "phone_e164": "+447700900001",
            }
        self.write_ticket("GB")

    def write_ticket(self, country: str) -> None:
        self.rows["stg_service__tickets"]["1"] = {
            "record_key": "service.tickets:T1",
            "ticket_id": "T1",
            "email": "n1@a.example",
            "country": country,
        }

    def scores(self) -> pa.Table:
        row = {
            "record_key": CUSTOMERS[0],
            "other_record_key": CUSTOMERS[1],
            "match_weight": 12.0,
            "probability": 0.999,
            "evidence": ["the same name (+5.0)"],
            "doubt": None,
        }
        return pa.Table.from_pylist([row], SCORES)


def matters(
    compiled: Mapping[str, Any], matching: Model, overrides: list[Row]
) -> list[tuple[str, str]]:
    """What is left for review after the ticket changed, once as an increment and once in full."""
    world = TwoCustomers(random.Random(1), overrides=overrides)
    world.begin()
    ours, theirs = created(), created()
    given = Given(compiled, matching, world, AS_OF)
    land(ours, world)
    assert run(ours, given) is None
    world.write_ticket("FR")
    later = replace(given, as_of=AS_OF + timedelta(days=1))
    for side in (ours, theirs):
        land(side, world)
    solved = run(ours, later)
    run_in_full(theirs, given)
    run_in_full(theirs, later)
    assert solved == 2, "the customer and the ticket"
    assert differences(ours, theirs) == {}
    return _listed(ours)


def _listed(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    return connection.execute("select kind, reason from identity.id_review order by all").fetchall()


@pytest.mark.parametrize(
    ("overrides", "listed"),
    [
        ([], [("key_conflict", "phone")]),
        (
            [
                {
                    "override_id": "o",
                    "kind": "never_link",
                    "record_key": "crm.contacts:C8",
                    "other_record_key": "crm.contacts:C9",
                }
            ],
            [("probable", "two_customers")],
        ),
    ],
    ids=["a key in conflict that both carry", "a key that a person decided about elsewhere"],
)
def test_a_pair_of_which_one_record_was_not_solved_anew_is_asked_about_as_ever(
    compiled: Mapping[str, Any],
    matching: Model,
    overrides: list[Row],
    listed: list[tuple[str, str]],
) -> None:
    assert matters(compiled, matching, overrides) == listed
