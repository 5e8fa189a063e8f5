"""The base world is as messy as the sample."""

import re
from collections import Counter
from collections.abc import Sequence

import phonenumbers

from orchestration.demo import rates
from tests.orchestration.demo.reader import all_rows, person_of, person_of_identifier, sound_rows
from tests.orchestration.demo.worlds import AS_OF, PEOPLE, Written


def assert_share(rows: Sequence[bool], expected: float) -> None:
    """The share lies within five standard errors of the expected one."""
    share = sum(rows) / len(rows)
    assert abs(share - expected) <= 5 * (expected * (1 - expected) / len(rows)) ** 0.5 + 1e-9


def test_what_is_missing_is_missing_as_often_as_in_the_sample(base: Written) -> None:
    contacts = all_rows(base.landing, "crm/contacts")
    holders = all_rows(base.landing, "policy/policyholders")
    born = [row["date_of_birth"] for row in holders]
    assert_share([row["phone"] == "" for row in contacts], rates.PHONE_MISSING["crm"])
    assert_share([row["email"] == "" for row in holders], rates.EMAIL_MISSING["policy"])
    assert_share([day == "" for day in born], rates.BIRTH_DATE_MISSING["policy"])
    assert_share([row["customer_number"].startswith("0") for row in holders], 0.1)
    assert_share([len(row["given_name"]) == 1 for row in holders], rates.INITIAL_ONLY["policy"])
    broker = [row["email"].strip().lower() == "noreply@broker.example" for row in holders]
    written = 1 - rates.EMAIL_MISSING["policy"] - rates.EMAIL_ONLY_BLANK["policy"]
    assert_share(broker, rates.BROKER_MAILBOX["policy"] * written)


def test_statuses_and_actions_come_as_often_as_in_the_sample(base: Written) -> None:
    policies = all_rows(base.landing, "policy/policies")
    consent = all_rows(base.landing, "consent/consent_events")
    for status, share in rates.POLICY_STATUS_SHARES.items():
        assert_share([row["status"] == status for row in policies], share)
    for version in rates.NOTICE_VERSIONS:
        assert_share([row["notice_version"] == version for row in consent], 1 / 3)
    assert {row["action"] for row in consent} == set(rates.CONSENT_ACTION_SHARES)


def test_phones_are_valid_in_their_country_and_written_in_ten_ways(base: Written) -> None:
    written = [(row["phone"], row["country"]) for row in all_rows(base.landing, "crm/contacts")]
    shapes = {re.sub(r"\d", "9", phone) for phone, country in written if country == "GB" and phone}
    assert len(shapes) >= 10
    # Region US does not read 00 as the international prefix; the sample's are unreadable too.
    readable = [(p, c) for p, c in written if p and not (c == "US" and p.startswith("00"))]
    valid = [phonenumbers.is_valid_number(phonenumbers.parse(p, c)) for p, c in readable]
    assert sum(valid) / len(valid) > 0.98


def test_mailboxes_lie_in_domains_reserved_for_examples(base: Written) -> None:
    for entity, column in {"crm/contacts": "email", "product/accounts": "login_email"}.items():
        for row in all_rows(base.landing, entity):
            domain = row[column].strip().lower().rpartition("@")[2]
            assert re.fullmatch(r"|example\.(com|org|net)|[a-z]+\.example", domain)


def test_households_share_an_address_and_an_agent_many_phones(base: Written) -> None:
    person = person_of(base.truth)
    contacts = sound_rows(base.landing / "crm/contacts.csv", "crm/contacts")
    homes: dict[tuple[str, str], set[str]] = {}
    for row in contacts:
        homes.setdefault((row["street"], row["postcode"]), set()).add(person[row["contact_id"]])
    shared = sum(len(persons) for persons in homes.values() if len(persons) > 1)
    assert 0.06 < shared / PEOPLE < 0.2
    agents = {person[r["contact_id"]] for r in contacts if r["phone"].endswith("2079460000")}
    assert len(agents) >= 5
    assert Counter(person[row["contact_id"]] for row in contacts).most_common(1)[0][1] == 2


def test_some_engagement_precedes_its_message(base: Written) -> None:
    sent = {
        row["message_id"]: row["sent_at"]
        for row in all_rows(base.landing, "communications/messages")
    }
    engagement = all_rows(base.landing, "communications/engagement")
    assert all(row["message_id"] in sent for row in engagement)
    early = [row["occurred_at"] < sent[row["message_id"]] for row in engagement]
    assert_share(early, rates.ENGAGEMENT_PRECEDES_SHARE)


def test_consent_is_withdrawn_under_another_identifier_than_it_was_granted_under(
    base: Written,
) -> None:
    person = person_of_identifier(base.truth, base.landing)
    events = all_rows(base.landing, "consent/consent_events")
    granted: dict[tuple[int, str, str], str] = {}
    crossed = 0
    for row in sorted(events, key=lambda row: row["occurred_at"]):
        if row["identifier"] not in person:
            continue
        scope = (person[row["identifier"]], row["purpose"], row["channel"])
        if row["action"] == "granted":
            granted[scope] = row["identifier_type"]
        elif row["action"] == "withdrawn" and scope in granted:
            crossed += granted[scope] != row["identifier_type"]
    assert crossed >= 2


def test_comments_bring_commas_quotes_and_line_breaks(base: Written) -> None:
    comments = "".join(row["comment"] for row in all_rows(base.landing, "service/satisfaction"))
    assert all(mark in comments for mark in (",", '"', "\n"))


def test_there_are_minors_with_policies_and_people_under_every_regime(base: Written) -> None:
    holders = all_rows(base.landing, "policy/policyholders")
    limit = AS_OF.date().replace(year=AS_OF.year - 18).isoformat()
    assert sum(row["date_of_birth"] > limit for row in holders) >= 1
    assert {row["country"] for row in holders} == set(rates.COUNTRY_SHARES)
