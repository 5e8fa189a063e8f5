"""Each row of the precedence table, first match first."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from activation.consent.events import ConsentEvent
from activation.consent.precedence import PersonFacts, Verdict, evaluate
from activation.consent.regimes import Rule
from activation.consent.suppression import Address, ReachedEvent

AS_OF = datetime(2026, 11, 20, 6, tzinfo=UTC)
DAY = timedelta(days=1)
ADA, SECOND = "ada@example.com", "ada2@example.com"
FACTS = PersonFacts(
    has_relationship=True,
    is_existing_customer=True,
    is_minor=False,
    addresses=frozenset({Address("email", ADA)}),
    ledger_recorded_at=AS_OF,
)
CONSENT = Rule("GB", "marketing", "email", "consent", minimum_notice="2025-11")
CONTRACT = replace(CONSENT, basis="contract")
OBLIGATION = replace(CONSENT, basis="legal_obligation")
INTERESTS = replace(CONSENT, basis="legitimate_interests")
SOFT = replace(CONSENT, soft_opt_in=True)
DOUBLE = replace(CONSENT, double_opt_in=True)
SIGNALLED = replace(INTERESTS, opt_out_signal=True)
SPECIAL = replace(INTERESTS, special_category=True)


def said(
    action: str, *, may_permit: bool = True, at: timedelta = -DAY, **fields: Any
) -> ReachedEvent:
    values: dict[str, Any] = {
        "event_id": action,
        "identifier_type": "email",
        "identifier": ADA,
        "purpose": "marketing",
        "channel": "email",
        "source": "web_form",
        "notice_version": "2026-03",
        "occurred_at": AS_OF + at,
        "recorded_at": AS_OF,
    }
    return ReachedEvent(ConsentEvent(action=action, **{**values, **fields}), may_permit)


def judge(rule: Rule | None, *events: ReachedEvent, facts: PersonFacts = FACTS) -> Verdict:
    return evaluate(facts, events, rule, AS_OF, purpose="marketing", channel="email")


GRANT = said("granted")
UNDATED = said("granted", notice_version=None)
ERASED = said("erased", purpose="*", channel="*")
RESTRICTED = said("restricted", purpose="*", channel="*")
LIFTED = said("lifted", purpose="*", channel="*", at=-DAY / 2)
RESTRICTED_AGAIN = said("restricted", purpose="*", channel="*", at=-DAY / 4)
LIFTED_BY_IMPORT = said("lifted", purpose="*", channel="*", at=-DAY / 2, source="import")
SIGNAL = said("opted_out", purpose="*", channel="*", source="gpc")
BOUNCED = said("suppressed", purpose="*")
STALE = replace(FACTS, ledger_recorded_at=AS_OF - timedelta(hours=24, seconds=1))
STRANGER = replace(FACTS, has_relationship=False, is_existing_customer=False)
MINOR = replace(FACTS, is_minor=True)


@pytest.mark.parametrize(
    ("verdict", "reason", "rule", "events", "facts"),
    [
        ("deny", "erased", OBLIGATION, [ERASED, RESTRICTED, GRANT], FACTS),
        ("deny", "restricted", CONTRACT, [RESTRICTED, BOUNCED, GRANT], FACTS),
        ("permit", "legal_obligation", OBLIGATION, [RESTRICTED], FACTS),
        ("permit", "consent", CONSENT, [RESTRICTED, LIFTED, GRANT], FACTS),
        ("deny", "no_consent", CONSENT, [RESTRICTED, LIFTED], FACTS),
        ("permit", "consent", CONSENT, [LIFTED, GRANT], FACTS),
        ("deny", "restricted", CONSENT, [LIFTED, RESTRICTED_AGAIN, GRANT], FACTS),
        ("deny", "restricted", CONSENT, [RESTRICTED, GRANT, LIFTED_BY_IMPORT], FACTS),
        ("deny", "suppressed", CONTRACT, [BOUNCED, GRANT], STALE),
        ("deny", "stale_consent", None, [GRANT], STALE),
        ("deny", "stale_consent", CONSENT, [GRANT], replace(FACTS, ledger_recorded_at=None)),
        ("deny", "no_rule", None, [GRANT], FACTS),
        ("permit", "contract", CONTRACT, [said("objected")], MINOR),
        ("deny", "no_contract", CONTRACT, [GRANT], STRANGER),
        ("deny", "withdrawn", INTERESTS, [said("withdrawn")], MINOR),
        ("deny", "objected", INTERESTS, [said("objected", purpose="*", channel="*")], FACTS),
        ("deny", "denied", SOFT, [said("denied")], FACTS),
        ("deny", "opted_out", SIGNALLED, [SIGNAL], MINOR),
        ("deny", "withdrawn", SIGNALLED, [SIGNAL, said("withdrawn")], FACTS),
        ("permit", "contract", CONTRACT, [SIGNAL], FACTS),
        ("permit", "legitimate_interests", SIGNALLED, [GRANT], FACTS),
        ("permit", "legitimate_interests", INTERESTS, [SIGNAL], FACTS),
        ("deny", "minor", CONSENT, [GRANT], MINOR),
        ("deny", "special_category", SPECIAL, [], FACTS),
        ("deny", "special_category", SPECIAL, [said("granted", expires_at=AS_OF)], FACTS),
        ("permit", "legitimate_interests", SPECIAL, [GRANT], FACTS),
        ("permit", "legitimate_interests", INTERESTS, [], STRANGER),
        ("permit", "soft_opt_in", SOFT, [], FACTS),
        ("deny", "no_consent", SOFT, [], STRANGER),
        ("deny", "no_consent", CONSENT, [], FACTS),
        ("deny", "unconfirmed", DOUBLE, [GRANT], FACTS),
        ("permit", "consent", DOUBLE, [GRANT, said("confirmed", at=-DAY / 2)], FACTS),
        ("deny", "unconfirmed", DOUBLE, [GRANT, said("confirmed", at=-2 * DAY)], FACTS),
        ("deny", "withdrawn", DOUBLE, [said("withdrawn"), said("confirmed", at=-DAY / 2)], FACTS),
        ("deny", "no_consent", DOUBLE, [said("confirmed")], FACTS),
        ("deny", "stale_notice", CONSENT, [said("granted", notice_version="2025-10")], FACTS),
        ("deny", "stale_notice", CONSENT, [UNDATED], FACTS),
        ("deny", "stale_notice", CONSENT, [said("granted", notice_version="v9")], FACTS),
        ("permit", "consent", CONSENT, [said("granted", notice_version="2025-11")], FACTS),
        ("permit", "consent", CONSENT, [said("granted", notice_version="2025-11-30")], FACTS),
        ("permit", "consent", replace(CONSENT, minimum_notice=None), [UNDATED], FACTS),
        ("deny", "stale_notice", SOFT, [UNDATED], FACTS),
        ("permit", "consent", CONSENT, [GRANT], replace(FACTS, ledger_recorded_at=AS_OF - DAY)),
        ("deny", "expired", CONSENT, [said("granted", expires_at=AS_OF)], FACTS),
        ("permit", "consent", CONSENT, [said("granted", expires_at=AS_OF + DAY)], FACTS),
    ],
)
def test_the_first_row_that_holds_decides(
    verdict: str, reason: str, rule: Rule | None, events: list[ReachedEvent], facts: PersonFacts
) -> None:
    answer = judge(rule, *events, facts=facts)
    assert (answer.verdict, answer.reason) == (verdict, reason)


def test_a_permit_by_consent_names_its_grant_and_other_permits_name_nothing() -> None:
    assert judge(CONSENT, GRANT) == Verdict("permit", "consent", "consent", "granted")
    assert judge(INTERESTS, GRANT).evidence is None
    assert judge(SOFT) == Verdict("permit", "soft_opt_in", "legitimate_interests")


def test_a_grant_over_a_doubtful_link_permits_nothing_and_a_refusal_over_it_stops() -> None:
    assert judge(CONSENT, said("granted", may_permit=False)).reason == "no_consent"
    doubtful = said("withdrawn", may_permit=False, at=-DAY / 2)
    assert judge(CONSENT, GRANT, doubtful).reason == "withdrawn"
    assert judge(CONSENT, GRANT, said("granted", may_permit=False, at=-DAY / 2)).reason == "consent"


def test_a_newer_own_grant_lifts_a_suppression_and_an_import_does_not() -> None:
    assert judge(CONSENT, BOUNCED, said("granted", at=-DAY / 2)).reason == "consent"
    assert judge(CONSENT, BOUNCED, said("granted", at=-DAY)).reason == "suppressed"
    for source in ("import", "upsert", "unknown"):
        claimed = said("granted", at=-DAY / 2, source=source)
        assert judge(CONSENT, BOUNCED, claimed).reason == "suppressed"
    doubtful = said("granted", at=-DAY / 2, may_permit=False)
    assert judge(CONSENT, BOUNCED, doubtful).reason == "suppressed"


def test_a_lifted_address_stays_closed_to_purposes_that_were_not_granted_anew() -> None:
    elsewhere = said("granted", event_id="other", purpose="onboarding", at=-DAY / 2)
    before = said("granted", at=-2 * DAY)
    assert judge(CONSENT, before, BOUNCED, elsewhere).reason == "suppressed"
    assert judge(CONTRACT, BOUNCED, elsewhere).reason == "contract"


def test_only_the_persons_own_newer_grant_answers_an_opt_out_signal() -> None:
    newer = said("granted", at=-DAY / 2)
    assert judge(SIGNALLED, SIGNAL, newer).verdict == "permit"
    assert judge(SIGNALLED, SIGNAL, GRANT) == Verdict(
        "deny", "opted_out", "legitimate_interests", "opted_out"
    )
    for unable in (
        said("granted", at=-DAY / 2, source="import"),
        said("granted", at=-DAY / 2, may_permit=False),
        said("granted", at=-DAY / 2, channel="sms"),
        said("granted", at=-DAY / 2, purpose="renewal"),
        said("confirmed", at=-DAY / 2),
    ):
        assert judge(SIGNALLED, SIGNAL, unable).reason == "opted_out"
    again = said("opted_out", purpose="*", channel="*", source="gpc", at=-DAY / 4)
    assert judge(SIGNALLED, SIGNAL, newer, again).reason == "opted_out"


def test_the_newest_suppression_and_the_newest_own_grant_count() -> None:
    older = said("suppressed", event_id="older", purpose="*", at=-2 * DAY)
    assert judge(CONSENT, BOUNCED, older).evidence == "suppressed"
    grants = said("granted", at=-3 * DAY), said("granted", at=-DAY / 2)
    assert judge(CONSENT, BOUNCED, *grants).reason == "consent"


def test_a_do_not_contact_for_one_purpose_leaves_the_others_open() -> None:
    number = {"identifier_type": "contact_id", "identifier": "C1"}
    for_renewal = said("suppressed", purpose="renewal", **number)
    assert judge(CONSENT, for_renewal, GRANT).reason == "consent"
    elsewhere = said("granted", event_id="other", purpose="onboarding", at=-DAY / 2)
    assert judge(CONSENT, for_renewal, GRANT, elsewhere).reason == "consent"


def test_an_address_of_another_channel_does_not_keep_the_person_reachable() -> None:
    by_phone = replace(FACTS, addresses=frozenset({Address("phone", "+4")}))
    assert judge(CONSENT, BOUNCED, GRANT, facts=by_phone).reason == "suppressed"


def test_another_address_on_the_channel_keeps_the_person_reachable() -> None:
    both = replace(FACTS, addresses=FACTS.addresses | {Address("email", SECOND)})
    blocked = replace(FACTS, addresses=FACTS.addresses | {Address("email", SECOND, True)})
    assert judge(CONSENT, BOUNCED, GRANT, facts=both).reason == "consent"
    assert judge(CONSENT, BOUNCED, GRANT, facts=blocked).reason == "suppressed"
    second = said("suppressed", event_id="second", purpose="*", identifier=SECOND)
    assert judge(CONSENT, BOUNCED, second, GRANT, facts=both).reason == "suppressed"


def test_a_do_not_contact_under_any_identifier_closes_every_address() -> None:
    both = replace(FACTS, addresses=FACTS.addresses | {Address("email", SECOND)})
    for fields in ({"channel": "*"}, {"identifier_type": "contact_id", "identifier": "C1"}):
        person = said("suppressed", purpose="*", **fields)
        assert judge(CONTRACT, person, GRANT, facts=both).reason == "suppressed"


def test_a_bounce_on_one_channel_leaves_the_others_alone() -> None:
    bounced = said(
        "suppressed", purpose="*", channel="sms", identifier_type="phone", identifier="+4"
    )
    assert judge(CONSENT, bounced, GRANT).reason == "consent"
    nowhere = replace(FACTS, addresses=frozenset())
    assert judge(CONSENT, bounced, GRANT, facts=nowhere).reason == "consent"


def test_what_is_about_another_purpose_or_channel_says_nothing_here() -> None:
    for action in ("granted", "withdrawn"):
        for other in ({"purpose": "renewal"}, {"channel": "sms"}):
            assert judge(CONSENT, said(action, **other)).reason == "no_consent"


def test_what_happened_or_was_recorded_later_is_not_known_yet() -> None:
    later = {"occurred_at": AS_OF + timedelta(microseconds=1)}
    for unknown in (later, {"recorded_at": AS_OF + timedelta(microseconds=1)}):
        assert judge(CONSENT, GRANT, said("withdrawn", **unknown)).reason == "consent"
        assert judge(CONSENT, said("granted", **unknown)).reason == "no_consent"
    assert judge(CONSENT, said("granted", at=timedelta(0))).reason == "consent"


def test_the_newest_word_counts_and_of_one_instant_the_most_restrictive() -> None:
    earlier = said("withdrawn", at=-2 * DAY)
    assert judge(CONSENT, earlier, GRANT).reason == "consent"
    assert judge(CONSENT, said("objected", at=-2 * DAY), said("withdrawn")).reason == "withdrawn"
    said_at_once = [said(action) for action in ("denied", "objected", "granted", "withdrawn")]
    assert judge(CONSENT, *said_at_once).reason == "objected"


def test_a_refusal_stands_until_the_persons_own_newer_grant() -> None:
    imported = said("granted", at=-DAY / 2, source="import")
    assert judge(CONSENT, said("withdrawn"), imported).reason == "withdrawn"
    own = said("granted", event_id="own", at=-DAY / 4)
    assert judge(CONSENT, said("withdrawn"), imported, own).evidence == "own"


def test_of_two_grants_of_one_instant_the_weaker_is_the_consent() -> None:
    ends, stays = said("granted", event_id="a", expires_at=AS_OF), said("granted", event_id="b")
    for grants in ([ends, stays], [stays, ends]):
        assert judge(CONSENT, *grants) == Verdict("deny", "expired", "consent", "a")
    later = said("granted", event_id="a", expires_at=AS_OF + DAY)
    sooner = said("granted", event_id="c", expires_at=AS_OF + DAY / 2)
    assert judge(CONSENT, later, stays, sooner).evidence == "c"
    old = said("granted", event_id="z", notice_version="2025-10")
    assert judge(CONSENT, old, stays) == Verdict("deny", "stale_notice", "consent", "z")
    undated = said("granted", event_id="y", notice_version=None)
    assert judge(CONSENT, old, undated, stays).evidence == "y"


def test_only_the_grants_own_later_confirmation_confirms_it() -> None:
    assert judge(DOUBLE, GRANT, said("confirmed")).reason == "consent"
    for unable in (
        {"may_permit": False},
        {"purpose": "renewal"},
        {"channel": "sms"},
        {"at": -DAY - timedelta(microseconds=1)},
    ):
        assert judge(DOUBLE, GRANT, said("confirmed", **unable)).reason == "unconfirmed"
