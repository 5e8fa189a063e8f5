"""How a system writes a person down: the same person never looks quite the same twice."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from orchestration.demo import rates
from orchestration.demo.columns import choose, dates, join, scatter, where
from orchestration.demo.people import CITIES, People
from orchestration.demo.phones import written
from orchestration.demo.streams import Streams, pick
from orchestration.demo.vocabulary import (
    BROKER_MAILBOX,
    COUNTRIES,
    FAMILY_NAMES,
    GIVEN_NAMES,
    NICKNAMES,
)

_CODES = tuple(country.code for country in COUNTRIES)
_EMAIL_STYLES = (*rates.EMAIL_STYLE_SHARES,)
_NICKNAMES = tuple(NICKNAMES.get(name, "") for name in GIVEN_NAMES)


def names(streams: Streams, system: str, people: People) -> tuple[pa.Array, pa.Array]:
    """Given and family names with nicknames, initials, typos and names in the wrong field."""
    size = len(people)
    given, family = choose(GIVEN_NAMES, people.given), choose(FAMILY_NAMES, people.family)
    nickname = choose(_NICKNAMES, people.given)
    has_nickname = pc.not_equal(nickname, "").to_numpy(zero_copy_only=False)
    given = where(
        has_nickname & _some(streams, "nickname", rates.NICKNAME[system], size), nickname, given
    )
    initial = _some(streams, "initial", rates.INITIAL_ONLY[system], size)
    given = where(initial, pc.utf8_slice_codeunits(given, 0, 1), given)
    family = _with_typos(streams.stream("typo"), family, rates.FAMILY_NAME_TYPO[system])
    swapped = _some(streams, "swap", rates.NAMES_SWAPPED[system], size)
    return where(swapped, family, given), where(swapped, given, family)


def birth_dates(streams: Streams, system: str, people: People) -> pa.Array:
    """ISO dates of birth, some missing, some with day and month swapped."""
    days = people.birth.astype("datetime64[D]")
    year, month = days.astype("datetime64[Y]"), days.astype("datetime64[M]")
    day_of_month = (days - month.astype("datetime64[D]")).astype(np.int64)
    month_of_year = (month - year.astype("datetime64[M]")).astype(np.int64)
    swapped = (year.astype("datetime64[M]") + np.minimum(day_of_month, 11)).astype(
        "datetime64[D]"
    ) + month_of_year
    wrong = (day_of_month < 12) & _some(
        streams, "day and month", rates.DAY_MONTH_SWAPPED[system], len(people)
    )
    shown = ~_some(streams, "birth date missing", rates.BIRTH_DATE_MISSING[system], len(people))
    return dates(np.where(wrong, swapped, days).astype("datetime64[D]").astype(np.int64), shown)


def emails(streams: Streams, system: str, people: People) -> pa.Array:
    """E-mail addresses in any case and with blanks, some missing, old, or a broker's mailbox."""
    size = len(people)
    old = _some(streams, "old e-mail", rates.OLD_EMAIL[system], size)
    broker = _some(streams, "broker", rates.BROKER_MAILBOX[system], size)
    address = where(broker, BROKER_MAILBOX, where(old, people.old_email, people.email))
    address = restyled(streams.stream("e-mail style"), address)
    missing = streams.stream("e-mail missing").random(size)
    blank = (missing >= rates.EMAIL_MISSING[system]) & (
        missing < rates.EMAIL_MISSING[system] + rates.EMAIL_ONLY_BLANK[system]
    )
    return where(missing < rates.EMAIL_MISSING[system], "", where(blank, "  ", address))


def restyled(rng: np.random.Generator, address: pa.Array) -> pa.Array:
    """The same e-mail addresses as other hands would write them; an empty one stays empty."""
    return in_style(address, pick(rng, rates.EMAIL_STYLE_SHARES, len(address)))


def in_style(address: pa.Array, style: np.ndarray) -> pa.Array:
    """E-mail addresses in the styles drawn for them (positions in EMAIL_STYLE_SHARES)."""
    result = address
    for name, text in {
        "leading_blank": join(" ", address),
        "capitalised": pc.utf8_capitalize(address),
        "upper": pc.utf8_upper(address),
    }.items():
        result = where(style == _EMAIL_STYLES.index(name), text, result)
    return where(pc.equal(address, "").to_numpy(zero_copy_only=False), "", result)


def phones(streams: Streams, system: str, people: People) -> pa.Array:
    """Phone numbers in ten styles, some missing, some the agent's own."""
    size = len(people)
    agent = _some(streams, "agent", rates.AGENT_PHONE[system], size)
    text = written(streams.stream("phone style"), people.country, people.phone, agent)
    return where(_some(streams, "phone missing", rates.PHONE_MISSING[system], size), "", text)


def addresses(streams: Streams, system: str, people: People) -> dict[str, pa.Array]:
    """Columns street, city, postcode, country; some still the address before the last move."""
    old = _some(streams, "old address", rates.OLD_ADDRESS[system], len(people))
    return {
        "street": where(old, people.old_street, people.street),
        "city": choose([city.name for city in CITIES], people.city),
        "postcode": where(old, people.old_postcode, people.postcode),
        "country": countries(people),
    }


def countries(people: People) -> pa.Array:
    """ISO 3166-1 codes."""
    return choose(_CODES, people.country)


def written_down(streams: Streams, system: str, people: People) -> dict[str, pa.Array]:
    """Columns given_name to country of a customer register, one row per entry of `people`."""
    given, family = names(streams, system, people)
    return {
        "given_name": given,
        "family_name": family,
        "date_of_birth": birth_dates(streams, system, people),
        "email": emails(streams, system, people),
        "phone": phones(streams, system, people),
        **addresses(streams, system, people),
    }


def _some(streams: Streams, name: str, share: float, size: int) -> np.ndarray:
    return streams.stream(name).random(size) < share


def _with_typos(rng: np.random.Generator, family: pa.Array, share: float) -> pa.Array:
    """A letter lost, doubled, or changed with the next, in a share of the names."""
    chosen = np.flatnonzero(rng.random(len(family)) < share)
    kinds = rng.integers(0, 3, len(chosen))
    places = rng.random(len(chosen))
    originals = family.take(pa.array(chosen)).to_pylist()
    wrong = [
        _typo(name, int(kind), place)
        for name, kind, place in zip(originals, kinds, places, strict=True)
    ]
    return scatter(family, chosen, pa.array(wrong, pa.string()))


def _typo(name: str, kind: int, place: float) -> str:
    at = 1 + int(place * (len(name) - 2))
    if kind == 0:
        return name[:at] + name[at + 1 :]
    if kind == 1:
        return name[:at] + name[at] + name[at:]
    return name[:at] + name[at + 1] + name[at] + name[at + 2 :]
