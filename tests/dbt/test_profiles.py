"""From raw rows of the source systems to the address that a person may be reached at."""

from collections.abc import Callable

import pytest

from tests.dbt.builder import Warehouse
from tests.dbt.insurer import Insurer, after, before

BROKER = "office@broker.example.com"
AGENT_LINE = "+44 20 7946 0000"
FAMILIES = ("Adams", "Brown", "Clark", "Davis", "Evans", "Ford", "Green", "Hill", "Irwin", "Jones")


@pytest.fixture(scope="module")
def insurer(shared_warehouse: Callable[[str], Warehouse]) -> Insurer:
    """One world for the module: each customer number below is the story of one test."""
    insurer = Insurer(shared_warehouse("profiles"))

    for position, family_name in enumerate(FAMILIES):
        insurer.customer(
            f"20{position:02}",
            given_name=f"{chr(ord('A') + position)}nna",
            family_name=family_name,
            email=BROKER,
            phone=AGENT_LINE,
        )
        insurer.policy(f"POL-20{position:02}", f"20{position:02}")
        insurer.invoice(f"INV-20{position:02}", f"POL-20{position:02}", BROKER)

    insurer.contact("C-BOUNCE", email="old@example.com", updated_at=before(days=400))
    insurer.contact("C-BOUNCE-NEW", email="gone@example.com", updated_at=before(days=10))
    insurer.customer("3001", crm_contact_id="C-BOUNCE", email="policy@example.com")
    insurer.customer("3002", crm_contact_id="C-BOUNCE-NEW")
    insurer.consent(
        "e-bounce",
        "suppressed",
        identifier_type="email",
        identifier="gone@example.com",
        purpose="*",
        channel="email",
        source="engagement",
    )
    insurer.account("A-BOUNCE", customer_number="3002", login_email="login@example.com")

    insurer.contact("C-NEW", email="New@Example.com ", updated_at=before(days=2))
    insurer.customer("3003", crm_contact_id="C-NEW", email="newer@example.com")

    insurer.customer("3004", phone="0113 496 0001")
    insurer.customer("3005", phone="07400 123456")

    insurer.customer("3006")
    insurer.account(
        "A-OLD", customer_number="3006", device_id="dev-old", created_at=before(days=300)
    )
    insurer.account("A-NEW", customer_number="3006", device_id="dev-new")
    insurer.account(
        "A-LATER", customer_number="3006", device_id="dev-later", created_at=after(days=1)
    )

    insurer.customer("3007", street="1 North Street", city="Leeds", postcode="LS1 1AA")
    insurer.customer("3008", street="1 North Street", city="n/a", postcode="LS1 1AA")

    insurer.customer("3009")
    insurer.policy("POL-3009", "3009")
    insurer.invoice("INV-3009", "POL-3009", "Payer@Example.com")

    insurer.customer("3010")
    insurer.account("A-VERIFIED", customer_number="3010", login_email="proven@example.com")
    insurer.milestone("A-VERIFIED", "verified_email", before(days=3))

    insurer.contact("C-MARS", timezone="Mars/Olympus", country="DE", updated_at=before(days=1))
    insurer.customer("3011", crm_contact_id="C-MARS", country="DE")

    insurer.build("+path:models/profiles")
    return insurer


def addresses(insurer: Insurer, record_id: str) -> dict[str, str]:
    """The address to use on each channel."""
    return dict(
        insurer.warehouse.rows(
            "select channel, address from profiles.per_contact_points "
            f"where person_id = '{insurer.person(record_id)}'"
        )
    )


def refusals(insurer: Insurer, record_id: str) -> set[tuple[str, str, str]]:
    """What may not be used, and why."""
    return set(
        insurer.warehouse.rows(
            "select channel, address, refusal from profiles.per_addresses "
            f"where refusal is not null and person_id = '{insurer.person(record_id)}'"
        )
    )


def test_a_broker_s_mailbox_reaches_none_of_its_customers(insurer: Insurer) -> None:
    assert "email" not in addresses(insurer, "2000")
    assert ("email", BROKER, "blocked") in refusals(insurer, "2000")


def test_a_broker_s_mailbox_on_an_invoice_is_no_way_round(insurer: Insurer) -> None:
    reached = insurer.warehouse.rows(
        f"select count(*) from profiles.per_contact_points where address = '{BROKER}'"
    )
    assert reached == [(0,)]


def test_an_agent_s_line_is_never_called(insurer: Insurer) -> None:
    assert addresses(insurer, "2001") == {}
    assert ("phone", "+442079460000", "blocked") in refusals(insurer, "2001")


def test_the_next_best_address_is_used_after_a_bounce(insurer: Insurer) -> None:
    assert addresses(insurer, "3002")["email"] == "login@example.com"
    assert refusals(insurer, "3002") == {("email", "gone@example.com", "suppressed")}


def test_the_crm_is_preferred_to_a_newer_policy_record(insurer: Insurer) -> None:
    assert addresses(insurer, "3003")["email"] == "new@example.com"
    assert addresses(insurer, "3001")["email"] == "old@example.com"


def test_a_landline_is_called_and_not_texted(insurer: Insurer) -> None:
    assert addresses(insurer, "3004") == {"phone": "+441134960001"}
    assert refusals(insurer, "3004") == {("sms", "+441134960001", "not_mobile")}


def test_a_mobile_number_is_called_and_texted(insurer: Insurer) -> None:
    assert addresses(insurer, "3005") == {"phone": "+447400123456", "sms": "+447400123456"}


def test_push_goes_to_the_device_of_the_newest_account_that_exists(insurer: Insurer) -> None:
    assert addresses(insurer, "3006") == {"push": "dev-new"}


def test_post_needs_a_complete_address(insurer: Insurer) -> None:
    assert addresses(insurer, "3007") == {"post": "1 North Street, Leeds, LS1 1AA, GB"}
    assert addresses(insurer, "3008") == {}


def test_the_billing_mailbox_is_the_last_resort(insurer: Insurer) -> None:
    assert addresses(insurer, "3009") == {"email": "payer@example.com"}


def test_a_login_address_is_verified_once_the_milestone_says_so(insurer: Insurer) -> None:
    rows = insurer.warehouse.rows(
        "select address, is_verified from profiles.per_contact_points where channel = 'email' "
        f"and person_id = '{insurer.person('3010')}'"
    )
    assert rows == [("proven@example.com", True)]


def test_a_zone_that_does_not_exist_gives_way_to_the_country_s(insurer: Insurer) -> None:
    rows = insurer.warehouse.rows(
        "select timezone, country, residency, preferred_language from profiles.per_persons "
        f"where person_id = '{insurer.person('3011')}'"
    )
    assert rows == [("Europe/Berlin", "DE", "eu", "de")]
