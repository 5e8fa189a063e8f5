"""An account of a person's identity in plain words, as lines to print."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from activation.store.identity_overrides import Override
from orchestration.identity_account import Account, Change, Likeness, Link, Refused

# Strangers to name; a call centre's number has hundreds.
_MOST_STRANGERS = 5

_COLUMNS = {
    "contact_id": "contact number of the CRM",
    "customer_number": "customer number",
    "email": "e-mail address",
    "phone_e164": "phone number",
    "name_words": "name (in any order)",
    "name_given_normalised": "given name",
    "name_family_normalised": "family name",
    "date_of_birth": "date of birth",
    "swappable_birth_date": "date of birth (day and month may be swapped)",
    "postcode_normalised": "postcode",
    "street_normalised": "street",
}
_ASSURANCE = {
    "A": "by reference between systems",
    "B": "by verified contact",
    "C": "by weaker evidence",
    "D": "by probability",
}
_STATUS = {
    "blocked": "too many records or names carry it, or a person blocked it",
    "shared": "its records disagree about name or birth year, as in a household, or did so before "
    "one of them was erased",
    "conflict": "it would join two customers, or records that a person said are two",
}
_REASONS = {
    "never_link": "a person said that two of its records are two people",
    "two_customers": "records of two customers",
    "names": "too many different names",
    "birth_years": "too many birth years",
    "records": "too many records",
}
_OUTCOMES = {
    "review": "it is not sure enough",
    "chain": "the group that it would join holds too few links",
    "two_customers": "it would join two customers",
    "never_link": "a person said that they are two",
    "names": "the person would have too many different names",
    "birth_years": "the person would have too many birth years",
    "records": "the person would have too many records",
}
_KINDS = {
    "block_value": "a value joins nobody",
    "keep_shared": "a value was shared with somebody who was erased",
    "detach": "is a person of its own",
    "never_link": "are never one person",
    "always_link": "are always one person",
}


def in_words(account: Account, overrides: Sequence[Override]) -> Iterator[str]:
    """The lines of an account: records, links and why, what was refused, overrides, the past."""
    yield f"Person {account.person_id}: {len(account.records)} records."
    for one in account.records:
        yield f"  {one.assurance}  {one.record_key}  held {_ASSURANCE[one.assurance]}"
    yield from _section("Joined because", joined_because(account))
    yield from _section("Not joined", map(_refused, account.refused))
    yield from _section("Alike, and not joined", map(_likeness, account.likenesses))
    yield from _section(
        "Cut out of a larger group",
        (
            f"{one.raw_records} records that hold {_REASONS[one.reason]}; kept are the links of "
            f"tier {one.kept_tier} and stronger"
            for one in account.guarded
        ),
    )
    keys = {one.record_key for one in account.records}
    yield from _section(
        "Decided by a person",
        (told(one) for one in overrides if {one.record_key, one.other_record_key} & keys),
    )
    yield from _section("History", map(_change, account.history))


def joined_because(account: Account, named: Callable[[str], str] = str) -> Iterator[str]:
    """A line a link, with its evidence; `named` says how a record is called."""
    for link in account.links:
        one, other = named(link.record_key), named(link.other_record_key)
        yield f"{one} = {other}: {_evidence(link)} ({link.assurance})"


def told(override: Override) -> str:
    """One override in a line: what was decided, by whom, when and why."""
    about = override.rule or " and ".join(
        key for key in (override.record_key, override.other_record_key) if key
    )
    return (
        f"{override.override_id}  {about} {_KINDS[override.kind]} "
        f"({override.author}, {override.at:%Y-%m-%d}: {override.reason})"
    )


def _section(title: str, lines: Iterable[str]) -> Iterator[str]:
    found = list(lines)
    if found:
        yield f"{title}:"
        yield from (f"  {line}" for line in found)


def _evidence(link: Link) -> str:
    if link.kind == "override":
        return "a person decided so"
    if link.probability is not None:
        return f"{_probability(link.probability)} one person: {'; '.join(link.evidence)}"
    same = "the same " + _listed(link.key_columns)
    if link.kind == "authoritative":
        return f"one system refers to the other's record by {_listed(link.key_columns)}"
    if link.kind == "composite":
        return f"{same}; the first of these is not enough alone"
    return same


def _refused(refused: Refused) -> str:
    named = ", ".join(refused.strangers[:_MOST_STRANGERS])
    more = len(refused.strangers) - _MOST_STRANGERS
    others = named + (f" and {more} more" if more > 0 else "")
    return (
        f"{refused.record_key} has the same {_listed(refused.key_columns)} as {others}: "
        f"{refused.status}, {_STATUS[refused.status]}"
    )


def _likeness(likeness: Likeness) -> str:
    return (
        f"{likeness.record_key} and {likeness.other_record_key} are "
        f"{_probability(likeness.probability)} one person: {'; '.join(likeness.evidence)}; "
        f"not joined, because {likeness.doubt or _OUTCOMES[likeness.outcome]}"
    )


def _probability(share: float) -> str:
    # rounded down: nothing is sure
    return f"{int(share * 1000) / 10:.1f} % probably"


def _change(change: Change) -> str:
    ways = {
        (True, False): f"joined {change.new_person_id}",
        (False, True): f"left {change.old_person_id}; it is gone from its source",
        (False, False): f"moved from {change.old_person_id} to {change.new_person_id}",
    }
    way = ways[change.old_person_id is None, change.new_person_id is None]
    return f"{change.changed_at:%Y-%m-%d %H:%M} UTC  {change.record_key} {way} ({change.cause})"


def _listed(columns: Sequence[str]) -> str:
    words = [_COLUMNS.get(column, column) for column in columns]
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1]
