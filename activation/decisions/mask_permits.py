"""Mask form: what a person permits, as bits for the gates and as evidence for the row.

Of con_permits only the pairs of purpose and channel are read that some node can use. Such a pair
has a place, a number: five for each purpose, one for each channel. A place is a bit of an integer
column; one column takes twelve purposes.
"""

from collections.abc import Iterator

from activation.decisions.literals import text
from activation.decisions.terms import Terms
from activation.journeys.names import Channel

Cte = tuple[str, str]

CHANNEL_BIT = {channel: 1 << position for position, channel in enumerate(Channel)}
EVERY_CHANNEL = sum(CHANNEL_BIT.values())
_WORD = 60


def first_places(terms: Terms) -> dict[str, int]:
    """The place of a purpose's first channel."""
    purposes = sorted({part.node.purpose for part in terms.nodes})
    return {purpose: position * len(Channel) for position, purpose in enumerate(purposes)}


def permit_words(terms: Terms) -> list[str]:
    """Names of the columns of bits."""
    return [
        f"permit_{word}" for word in range(-(-len(first_places(terms)) * len(Channel) // _WORD))
    ]


def permitted(terms: Terms) -> str:
    """SQL of the channels that the person p permits for the node c, as bits."""
    words = permit_words(terms)
    chosen = f"p.{words[0]}" if words else "0"
    if len(words) > 1:
        cases = " ".join(f"when {number} then p.{word}" for number, word in enumerate(words))
        chosen = f"case c.first_place // {_WORD} {cases} end"
    return (
        f"cast((coalesce({chosen}, 0) >> (c.first_place % {_WORD})) & {EVERY_CHANNEL} as integer)"
    )


def permit_ctes(terms: Terms) -> Iterator[Cte]:
    """CTE permit: one row per person who permits something that a node can use."""
    bits = "".join(
        f",\n            bit_or(case when place // {_WORD} = {number} "
        f"then 1::bigint << (place % {_WORD}) end) as {word}"
        for number, word in enumerate(permit_words(terms))
    )
    yield (
        "permit",
        f"""
        select
            person_id{bits}
        from (
            select person_id, {place(terms)} as place
            from consent.con_permits
            where verdict = 'permit'
        )
        where place is not null
        group by person_id""",
    )


def evidence_ctes(terms: Terms) -> Iterator[Cte]:
    """CTE evidenced: per routed candidate (its number) why its channel is permitted or not."""
    yield (
        "evidenced",
        f"""
        select r.number, p.reason as permit_reason, p.basis, p.evidence
        from (
            select person_id, {place(terms)} as place, reason, basis, evidence
            from consent.con_permits
        ) as p
        inner join (select number, person_id, place from gated where place is not null) as r
            on r.person_id = p.person_id and r.place = p.place""",
    )


def place(terms: Terms) -> str:
    """SQL of the place of a row of con_permits; null when no node can use it."""
    channels: dict[str, set[Channel]] = {}
    for part in terms.nodes:
        channels.setdefault(part.node.purpose, set()).update(part.node.action.channels)
    cases = ""
    for purpose, first in first_places(terms).items():
        whens = " ".join(
            f"when '{channel}' then {first + position}"
            for position, channel in enumerate(Channel)
            if channel in channels[purpose]
        )
        cases += f" when {text(purpose)} then case channel {whens} end"
    return f"case purpose{cases} end" if cases else "cast(null as integer)"
