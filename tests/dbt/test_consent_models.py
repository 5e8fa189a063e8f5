"""From landed records and ledger events to permits, through staging and identity as they are."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import duckdb
import pytest

from activation.consent.identifiers import normalise_email
from activation.consent.regimes import flatten, flatten_purposes, load_regimes
from activation.store import identity_overrides
from orchestration.known_person import read_known_person
from tests.dbt.builder import AS_OF, Warehouse
from tests.dbt.people import (
    account,
    commit_identity,
    contact,
    person,
    persons,
    policyholder,
)

YESTERDAY = AS_OF - timedelta(days=1)


class Ledger:
    """The copy of the ledger in a warehouse."""

    def __init__(self, warehouse: Warehouse) -> None:
        self.warehouse = warehouse
        self.seq = 0

    def add(self, identifier_type: str, identifier: str, action: str, **fields: Any) -> str:
        """Append an event about marketing by e-mail, said yesterday; return its id."""
        self.seq += 1
        row = {
            "seq": self.seq,
            "event_id": f"e{self.seq}",
            "identifier_type": identifier_type,
            "identifier": identifier,
            "purpose": "marketing",
            "channel": "email",
            "action": action,
            "notice_version": "2026-03",
            "source": "web_form",
            "occurred_at": YESTERDAY,
            "recorded_at": YESTERDAY,
            **fields,
        }
        self.warehouse.insert("consent_event", [row])
        return str(row["event_id"])

    def watermark(self, recorded_at: Any = AS_OF) -> None:
        self.warehouse.clear("consent_watermark")
        row = {"seq": self.seq, "recorded_at": recorded_at}
        self.warehouse.insert("consent_watermark", [row])


def with_regimes(warehouse: Warehouse) -> Ledger:
    """Fill the reference tables from the shipped regimes; an empty, fresh ledger."""
    regimes = load_regimes()
    warehouse.insert("regime", flatten(regimes))
    warehouse.insert("purpose", flatten_purposes(regimes))
    ledger = Ledger(warehouse)
    ledger.watermark()
    return ledger


def verdict(
    warehouse: Warehouse, record: str, purpose: str = "marketing", channel: str = "email"
) -> tuple[Any, ...]:
    """Verdict, reason and evidence of the person that a record names."""
    (row,) = warehouse.rows(
        "select verdict, reason, evidence from consent.con_permits"
        " inner join identity.id_records using (person_id)"
        f" where record_id = '{record}' and purpose = '{purpose}' and channel = '{channel}'"
    )
    return row


@pytest.fixture(scope="module")
def world(shared_warehouse: Callable[[str], Warehouse]) -> Warehouse:
    """Several persons, each with one story about consent."""
    warehouse = shared_warehouse("consent_models")
    ledger = with_regimes(warehouse)
    ada = person("Ada", "Byron", "1980-12-10")
    warehouse.insert(
        "crm_contacts",
        [
            contact("C1", email="ada@example.com", phone="+447400123456", **ada),
            contact("C2", email="bo@example.com", **person("Bo", "Berg", "1981-01-02")),
            contact("C3", email="cy@example.com", **person("Cy", "Cole", "2012-01-02")),
            contact("C4", email="home@example.com", **person("Di", "Dahl", "1970-02-03")),
            contact("C5", email="home@example.com", **person("Ed", "Egan", "1971-03-04")),
            contact("C6", email="fay@example.com", **person("Fay", "Finch", "1972-04-05")),
        ],
    )
    warehouse.insert(
        "policy_policyholders",
        [policyholder("0007", crm_contact_id="C1", email="ada2@example.com", **ada)],
    )
    warehouse.insert("product_accounts", [account("A1", customer_number="0007", device_id="dev-1")])
    warehouse.insert(
        "policy_policies",
        [{"policy_number": "P1", "customer_number": "0007", "status": "active"}],
    )
    # Ada granted under her contact and withdrew under her customer number
    ledger.add("contact_id", "C1", "granted", occurred_at=YESTERDAY - timedelta(days=1))
    ledger.add("customer_number", "0007", "withdrawn")
    # her first address bounced; the second is still good
    ledger.add("email", "ada@example.com", "suppressed", purpose="*")
    # Bo's only address bounced, and an import claims consent since
    ledger.add("email", "bo@example.com", "suppressed", purpose="*")
    ledger.add("contact_id", "C2", "granted", occurred_at=AS_OF, source="import")
    # Cy is a child who clicked yes
    ledger.add("contact_id", "C3", "granted")
    # somebody in the household withdrew under the shared mailbox; somebody else granted under it
    ledger.add("contact_id", "C4", "granted", channel="sms")
    ledger.add("email", "home@example.com", "granted", purpose="profiling")
    ledger.add("email", "home@example.com", "withdrawn", purpose="renewal")
    # Fay will withdraw tomorrow
    ledger.add("contact_id", "C6", "granted")
    ledger.add("contact_id", "C6", "withdrawn", occurred_at=AS_OF + timedelta(days=1))
    ledger.watermark()
    warehouse.build("+path:models/consent", data_tests=True)
    return warehouse


def test_a_withdrawal_under_another_identifier_stops_the_message(world: Warehouse) -> None:
    assert verdict(world, "C1") == ("deny", "withdrawn", "e2")
    assert verdict(world, "A1") == verdict(world, "C1")


def test_a_bounce_closes_one_address_and_leaves_the_other_open(world: Warehouse) -> None:
    closed = world.rows("select channel, address, evidence from consent.con_suppressed_addresses")
    assert ("email", "ada@example.com", "e3") in closed
    assert verdict(world, "C1", "claims_service")[:2] == ("permit", "contract")
    assert verdict(world, "C1", "renewal")[:2] == ("permit", "legitimate_interests")


def test_an_import_never_lifts_a_suppression(world: Warehouse) -> None:
    assert verdict(world, "C2") == ("deny", "suppressed", "e4")
    assert verdict(world, "C2", "claims_service")[1] == "suppressed"
    assert verdict(world, "C2", "claims_service", "sms")[1] == "no_contract"


def test_a_minor_cannot_consent(world: Warehouse) -> None:
    assert verdict(world, "C3")[:2] == ("deny", "minor")


def test_a_shared_mailbox_restricts_both_and_permits_neither(world: Warehouse) -> None:
    for record in ("C4", "C5"):
        assert verdict(world, record, "renewal")[:2] == ("deny", "withdrawn")
        assert verdict(world, record, "profiling")[:2] == ("deny", "no_consent")
    assert verdict(world, "C4", "marketing", "sms")[:2] == ("permit", "consent")
    assert verdict(world, "C5", "marketing", "sms")[:2] == ("deny", "no_consent")


def test_what_happens_tomorrow_is_not_known_today(world: Warehouse) -> None:
    assert verdict(world, "C6")[:2] == ("permit", "consent")


def test_every_person_has_one_permit_for_each_purpose_and_channel(world: Warehouse) -> None:
    regimes = load_regimes()
    scopes = len(regimes.purposes) * len(regimes.channels)
    assert world.rows(
        f"select count(*) = (select count(*) from identity.id_persons) * {scopes}"
        " from consent.con_permits"
    ) == [(True,)]


@pytest.mark.parametrize("age", [None, timedelta(hours=25)])
def test_an_old_or_missing_copy_of_the_ledger_permits_nobody(
    warehouse: Warehouse, age: timedelta | None
) -> None:
    ledger = with_regimes(warehouse)
    warehouse.insert("crm_contacts", [contact("C1", email="ada@example.com")])
    warehouse.clear("consent_watermark")
    if age is not None:
        ledger.watermark(AS_OF - age)
    warehouse.build("+path:models/consent", data_tests=False)
    assert warehouse.rows("select distinct verdict, reason from consent.con_permits") == [
        ("deny", "stale_consent")
    ]


def test_python_and_the_macro_normalise_a_mailbox_alike(world: Warehouse) -> None:
    written = [
        " Ada@Example.COM ",
        "a d a@example.com",
        "ada@example",
        "ada@@example.com",
        "ada@.example.com",
        "ada@example.c",
        "ada@example.com.",
        "\u00a0ada@example.com\u200b",
        "A\u0308da@Example.com",
        "ada\t@\nexample.com\r",
        "ÅSA@example.com",
        "n/a",
        "",
    ]
    world.clear("crm_contacts", "contact_id like 'mail-%'")
    rows = [contact(f"mail-{n}", email=text) for n, text in enumerate(written)]
    world.insert("crm_contacts", rows)
    world.build("stg_crm__contacts", data_tests=False)
    staged = dict(
        world.rows("select contact_id, email from staging.stg_crm__contacts")  # type: ignore[arg-type]
    )
    assert [staged[f"mail-{n}"] for n in range(len(written))] == [
        normalise_email(text) for text in written
    ]


def days(number: int) -> datetime:
    return AS_OF + timedelta(days=number)


def parted_warehouse(warehouse: Warehouse) -> Ledger:
    """Two contacts that a shared mailbox joins; the ledger knows both by their contact numbers."""
    ledger = with_regimes(warehouse)
    ada = {**person("Ada", "Byron", "1980-12-10"), "email": "ada@example.com"}
    warehouse.insert("crm_contacts", [contact("C1", **ada), contact("C2", **ada)])
    ledger.add("contact_id", "C1", "granted", occurred_at=AS_OF - timedelta(days=9))
    ledger.add("contact_id", "C2", "granted", occurred_at=AS_OF - timedelta(days=9))
    return ledger


def run_of_day(warehouse: Warehouse, ledger: Ledger, day: int, *, data_tests: bool = False) -> None:
    """Build consent with all before it and commit the identity, as a run of that day does."""
    ledger.watermark(days(day))
    warehouse.build("+path:models/consent", as_of=days(day), data_tests=data_tests)
    commit_identity(warehouse)


def part(warehouse: Warehouse) -> None:
    override = identity_overrides.pair(
        "never_link",
        ("crm.contacts:C1", "crm.contacts:C2"),
        author="steward",
        reason="two people",
        at=AS_OF,
    )
    columns = warehouse.tables["identity_override"].columns
    warehouse.insert("identity_override", [{name: getattr(override, name) for name in columns}])


@pytest.mark.parametrize("withdrawn_under", ["C1", "C2"])
def test_a_restriction_stays_on_both_sides_of_a_split_and_a_later_one_with_its_own(
    warehouse: Warehouse, withdrawn_under: str
) -> None:
    ledger = parted_warehouse(warehouse)
    refusal = ledger.add("contact_id", withdrawn_under, "withdrawn")
    run_of_day(warehouse, ledger, 0)
    assert len(set(persons(warehouse).values())) == 1
    assert verdict(warehouse, "C1") == ("deny", "withdrawn", refusal)

    part(warehouse)
    for day in (1, 2):
        run_of_day(warehouse, ledger, day)
        assert len(set(persons(warehouse).values())) == 2
        for record in ("C1", "C2"):
            assert verdict(warehouse, record) == ("deny", "withdrawn", refusal)
            assert verdict(warehouse, record, "renewal")[0] == "permit"

    # said by one of them since: of renewal, and a grant that takes back the refusal for them alone
    later = ledger.add(
        "contact_id", "C1", "withdrawn", purpose="renewal", occurred_at=days(2), recorded_at=days(2)
    )
    ledger.add("contact_id", "C2", "granted", occurred_at=days(2), recorded_at=days(2))
    run_of_day(warehouse, ledger, 3, data_tests=True)
    assert verdict(warehouse, "C1", "renewal") == ("deny", "withdrawn", later)
    assert verdict(warehouse, "C2", "renewal")[0] == "permit"
    assert verdict(warehouse, "C1") == ("deny", "withdrawn", refusal)
    assert verdict(warehouse, "C2")[:2] == ("permit", "consent")


def test_the_moment_of_activation_knows_a_parted_person_as_the_run_does(
    warehouse: Warehouse,
) -> None:
    ledger = parted_warehouse(warehouse)
    run_of_day(warehouse, ledger, 0)
    part(warehouse)
    run_of_day(warehouse, ledger, 1)
    with duckdb.connect(warehouse.path) as connection:
        for record, other in (("C1", "C2"), ("C2", "C1")):
            known = read_known_person(connection, persons(warehouse)[record])
            assert known is not None
            assert dict(known.former_links) == {("contact_id", other): days(1)}
            assert ("contact_id", other) not in known.links
