"""A small insurer in staging tables, and its random history.

Values are few, so that every kind of
collision occurs: households, a broker's mailbox, two customers of one name, a kiosk's device.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import pyarrow as pa

from orchestration.matching.scoring import SCORES
from tests.hash_key import HASH_KEY

AS_OF = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)
_NAME = (
    "given_name varchar, family_name varchar, name_given_normalised varchar, "
    "name_family_normalised varchar, date_of_birth date, street varchar, "
    "postcode_normalised varchar, "
)
STAGING = {
    "stg_crm__contacts": f"record_key varchar, contact_id varchar, {_NAME} email varchar, "
    "phone_e164 varchar, country varchar, preferred_language varchar, updated_at timestamptz, "
    "loaded_at timestamptz",
    "stg_policy__policyholders": "record_key varchar, customer_number varchar, "
    f"crm_contact_id varchar, {_NAME} email varchar, phone_e164 varchar, country varchar, "
    "updated_at timestamptz, loaded_at timestamptz",
    "stg_product__accounts": "record_key varchar, account_id varchar, customer_number varchar, "
    "email varchar, device_id varchar, country varchar, created_at timestamptz, "
    "loaded_at timestamptz",
    "stg_service__tickets": "record_key varchar, ticket_id varchar, email varchar, "
    "phone_e164 varchar, country varchar, opened_at timestamptz, name_given_normalised varchar, "
    "name_family_normalised varchar, loaded_at timestamptz",
    "stg_policy__policies": "policy_number varchar, customer_number varchar",
    "stg_billing__invoices": "invoice_number varchar, policy_number varchar, billing_email varchar",
}
Row = dict[str, Any]


@dataclass
class World:
    """What the systems, the people who decide, and the scores say at one moment."""

    draw: random.Random
    size: int = 24
    # How many times as many values there are: the fewer, the more records a change reaches.
    spread: int = 1
    rows: dict[str, dict[str, Row]] = field(default_factory=lambda: {t: {} for t in STAGING})
    overrides: list[Row] = field(default_factory=list)
    salts: dict[tuple[str, str], int] = field(default_factory=dict)

    def begin(self) -> None:
        for number in range(self.size):
            for table in STAGING:
                if self.draw.random() < 0.6:
                    self.write(table, number)

    def step(self) -> None:
        """A few inserts, updates, deletes; now and then an override, or one revoked."""
        for _ in range(self.draw.randint(0, 5)):
            table, number = self.draw.choice(list(STAGING)), self.draw.randrange(self.size + 8)
            if self.draw.random() < 0.35:
                self.rows[table].pop(str(number), None)
            else:
                self.write(table, number)
        if self.draw.random() < 0.5:
            self.decide()
        if self.overrides and self.draw.random() < 0.3:
            self.overrides.pop(self.draw.randrange(len(self.overrides)))
        if self.draw.random() < 0.3:
            pair = tuple(sorted(self.draw.choices(self.record_keys(), k=2)))
            self.salts[pair] = self.salts.get(pair, 0) + 1

    def record_keys(self) -> list[str]:
        return sorted(
            row["record_key"]
            for table in STAGING
            for row in self.rows[table].values()
            if "record_key" in row
        )

    def write(self, table: str, number: int) -> None:
        choose = self.draw.choice
        given = choose(["ann", "ben", "cy", None])
        family = choose(["ash", "birch", *(f"oak{i}" for i in range(10 * (self.spread - 1)))])
        named = {
            "given_name": given,
            "family_name": family,
            "name_given_normalised": given,
            "name_family_normalised": family,
            "date_of_birth": choose(self._birth_dates()),
            "street": choose([None, "1 High Road"]),
            "postcode_normalised": choose([None, "AB12CD", "EF34GH"]),
        }
        emails = [None, *(f"m{i}@a.example" for i in range(9 * self.spread))]
        emails += ["desk@b.example"] * (4 * self.spread)
        reached = {
            "email": choose(emails),
            "phone_e164": choose([None, *(f"+44770{i}" for i in range(9 * self.spread)), "+44800"]),
        }
        customer = choose([None, f"N{self.draw.randrange(8 * self.spread)}", f"N{number}"])
        seen = AS_OF - timedelta(days=self.draw.randrange(100))
        own: Mapping[str, Row] = {
            "stg_crm__contacts": {
                "record_key": f"crm.contacts:C{number}",
                "contact_id": f"C{number}",
                **named,
                **reached,
                "preferred_language": choose(["en", "fr"]),
                "updated_at": seen,
            },
            "stg_policy__policyholders": {
                "record_key": f"policy.policyholders:N{number}",
                "customer_number": f"N{number}",
                "crm_contact_id": choose([None, f"C{number}", "C1"] + [None] * self.spread),
                **named,
                **reached,
                "updated_at": seen,
            },
            "stg_product__accounts": {
                "record_key": f"product.accounts:A{number}",
                "account_id": f"A{number}",
                "customer_number": customer,
                "email": reached["email"],
                "device_id": choose([None, *(f"d{i}" for i in range(12 * self.spread))]),
                "created_at": seen,
            },
            "stg_service__tickets": {
                "record_key": f"service.tickets:T{number}",
                "ticket_id": f"T{number}",
                **reached,
                "opened_at": seen,
                "name_given_normalised": given,
                "name_family_normalised": family,
            },
            "stg_policy__policies": {
                "policy_number": f"P{number}",
                "customer_number": f"N{self.draw.randrange(self.size)}",
            },
            "stg_billing__invoices": {
                "invoice_number": f"I{number}",
                "policy_number": f"P{self.draw.randrange(self.size)}",
                "billing_email": reached["email"],
            },
        }
        loaded = {"loaded_at": AS_OF} if "loaded_at" in STAGING[table] else {}
        country = {"country": choose(["GB", "FR"])} if "country" in STAGING[table] else {}
        self.rows[table][str(number)] = {**own[table], **country, **loaded}

    def _birth_dates(self) -> list[str | None]:
        others = [f"19{50 + i % 50}-07-{1 + i % 28:02}" for i in range(12 * (self.spread - 1))]
        return [None, "1980-01-02", "1980-02-01", "1990-05-06", *others]

    def decide(self) -> None:
        """A new override; its records may be gone, or not there yet."""
        kind = self.draw.choice(
            ["block_value", "keep_shared", "never_link", "never_link", "always_link", "detach"]
        )
        keys = [*self.record_keys(), "crm.contacts:C30", "service.tickets:T31"]
        one, other = sorted(self.draw.sample(keys, 2))
        email = f"m{self.draw.randrange(9)}@a.example"
        rule, *values = self.draw.choice(
            [("email", email), ("email", "desk@b.example"), ("email_name", email, "ann ash")]
        )
        value = {"rule": rule, "key_hash": HASH_KEY.of(rule, values)}
        about: Mapping[str, Row] = {
            "block_value": value,
            "keep_shared": value,
            "detach": {"record_key": one},
        }
        pair = {"record_key": one, "other_record_key": other}
        override = {"kind": kind, **about.get(kind, pair)}
        override["override_id"] = sha256(repr(sorted(override.items())).encode()).hexdigest()
        if override not in self.overrides:
            self.overrides.append(override)

    def scores(self) -> pa.Table:
        """Scores of some pairs, the same as long as neither record nor the pair's salt changes."""
        content = {
            row["record_key"]: repr(row)
            for table in STAGING
            for row in self.rows[table].values()
            if "record_key" in row
        }
        keys = sorted(content)
        found = []
        for place, one in enumerate(keys):
            for other in keys[place + 1 :]:
                seed = (content[one], content[other], self.salts.get((one, other)))
                draw = random.Random(repr(seed))
                if draw.random() < 4 / len(keys):
                    found.append(_score(one, other, draw))
        return pa.Table.from_pylist(found, SCORES)


def _score(one: str, other: str, draw: random.Random) -> Row:
    probability = draw.choice([0.6, 0.9, 0.995, 0.999])
    return {
        "record_key": one,
        "other_record_key": other,
        "match_weight": round(draw.random() * 20, 3),
        "probability": probability,
        "evidence": ["the same name (+5.0)"],
        "doubt": draw.choice([None, None, None, "twins"]),
    }
