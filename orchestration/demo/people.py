"""The persons of the demo world: who they truly are, before any system writes them down."""

import unicodedata
from dataclasses import dataclass, fields

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from orchestration.demo import rates
from orchestration.demo.codes import random_text, scramble
from orchestration.demo.columns import choose, join, numbers
from orchestration.demo.phones import international, national_numbers
from orchestration.demo.streams import Streams, key, pick
from orchestration.demo.vocabulary import (
    COUNTRIES,
    FAMILY_NAMES,
    GIVEN_NAMES,
    MAIL_DOMAINS,
    STREETS,
)

_POSTCODE = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_MAILBOX_NUMBERS = (10_000, 1_000)  # seven digits, each person another number
PEOPLE_AT_MOST = _MAILBOX_NUMBERS[0] * _MAILBOX_NUMBERS[1]
CITIES = tuple(city for country in COUNTRIES for city in country.cities)


@dataclass(frozen=True, eq=False)
class People:
    """One entry per person in every field; household members stand side by side.

    `number` is the person of the truth, from 1 on; `country` and `city` are positions in COUNTRIES
    and CITIES, `given` and `family` in GIVEN_NAMES and FAMILY_NAMES; `birth` is days since 1970;
    e-mails are lower case, `phone` is the national number, `e164` the international one.
    """

    number: np.ndarray
    country: np.ndarray
    city: np.ndarray
    given: np.ndarray
    family: np.ndarray
    birth: np.ndarray
    speaks_home_language: np.ndarray
    in_crm: np.ndarray
    in_policy: np.ndarray
    in_product: np.ndarray
    in_service: np.ndarray
    street: pa.Array
    postcode: pa.Array
    old_street: pa.Array
    old_postcode: pa.Array
    email: pa.Array
    own_email: pa.Array
    old_email: pa.Array
    phone: pa.Array
    e164: pa.Array

    def __len__(self) -> int:
        return len(self.number)

    def at(self, positions: np.ndarray) -> "People":
        """The persons at those positions, repeated as they are."""
        picked = pa.array(positions)
        return People(
            *(_at(getattr(self, field.name), positions, picked) for field in fields(self))
        )

    def and_(self, others: "People") -> "People":
        """These persons, then the others."""
        return People(
            *(_concat(getattr(self, f.name), getattr(others, f.name)) for f in fields(self))
        )


def people(streams: Streams, first: int, size: int, end: int) -> People:
    """`size` new persons, numbered from `first`, as they are at `end` (seconds since 1970)."""
    number = np.arange(first, first + size, dtype=np.int64)
    draw = streams.stream
    head = _household_heads(draw("households"), size)
    member = np.flatnonzero(head[:-1]) + 1 if size > 1 else np.zeros(0, dtype=np.int64)

    country = pick(draw("country"), _country_weights(), size)
    given = draw("given").integers(0, len(GIVEN_NAMES), size)
    birth_family = draw("family").integers(0, len(FAMILY_NAMES), size)
    family = birth_family.copy()
    country[member], family[member] = country[member - 1], birth_family[member - 1]
    birth = _births(draw("birth"), size, end)
    _namesakes(draw("namesakes"), given, family, birth)

    own_email, old_email = _mailboxes(streams, number, given, birth_family, family)
    phone = national_numbers(draw("phone"), country, number)
    home = np.arange(size)
    home[member] = member - 1
    shares_phone = _shared(draw("shared phone"), home, rates.HOUSEHOLD_SHARES_PHONE)
    shares_mailbox = _shared(draw("shared mailbox"), home, rates.HOUSEHOLD_SHARES_MAILBOX)
    phone = phone.take(pa.array(shares_phone))
    member_of = {name: draw("in", name).random(size) < share for name, share in _SYSTEMS.items()}
    if first == 1:
        # However small the world: a few minors who hold a policy.
        birth[: rates.MINORS_AT_LEAST] = end // 86_400 - 16 * 365
        member_of["policy"][: rates.MINORS_AT_LEAST] = True
    street, postcode = new_addresses(streams.under("address"), size)
    old_street, old_postcode = new_addresses(streams.under("old address"), size)
    return People(
        number=number,
        country=country,
        city=_cities(draw("city"), country)[home],
        given=given,
        family=family,
        birth=birth,
        speaks_home_language=draw("language").random(size) < rates.HOME_LANGUAGE_SHARE,
        in_crm=member_of["crm"],
        in_policy=member_of["policy"],
        in_product=member_of["product"],
        in_service=member_of["service"],
        street=street.take(pa.array(home)),
        postcode=postcode.take(pa.array(home)),
        old_street=old_street,
        old_postcode=old_postcode,
        email=own_email.take(pa.array(shares_mailbox)),
        own_email=own_email,
        old_email=old_email,
        phone=phone,
        e164=international(country, phone),
    )


_SYSTEMS = {
    "crm": rates.IN_CRM,
    "policy": rates.IN_POLICY,
    "product": rates.IN_PRODUCT,
    "service": rates.IN_SERVICE,
}


def _country_weights() -> tuple[float, ...]:
    return tuple(rates.COUNTRY_SHARES[country.code] for country in COUNTRIES)


def _household_heads(rng: np.random.Generator, size: int) -> np.ndarray:
    """Who begins a household of two: the next person is the other, so two heads never stand side by
    side.
    """
    head = rng.random(size) < rates.HOUSEHOLD_SHARE
    head[1:] &= ~head[:-1]
    return head


def _births(rng: np.random.Generator, size: int, end: int) -> np.ndarray:
    today = end // 86_400
    year = 1970 + today // 365.2425
    oldest = (rates.OLDEST_BIRTH_YEAR - 1970) * 365.2425
    youngest = (year - rates.YEARS_UNDER_AS_OF - 1969) * 365.2425
    birth = rng.integers(int(oldest), int(youngest), size)
    minor = rng.random(size) < rates.MINOR_SHARE
    return np.where(minor, today - rng.integers(14 * 365, 18 * 365, size), birth)


def _namesakes(
    rng: np.random.Generator, given: np.ndarray, family: np.ndarray, birth: np.ndarray
) -> None:
    """Gives a few persons the name and birth date of a stranger (in place)."""
    if len(given) < 2:
        return
    twin = np.flatnonzero(rng.random(len(given)) < rates.SAME_NAME_AND_BIRTH_DATE_SHARE)
    stranger = rng.integers(0, len(given), len(twin))
    for values in (given, family, birth):
        values[twin] = values[stranger]


def _cities(rng: np.random.Generator, country: np.ndarray) -> np.ndarray:
    sizes = np.array([len(place.cities) for place in COUNTRIES])
    first = np.concatenate(([0], np.cumsum(sizes)[:-1]))
    return first[country] + (rng.random(len(country)) * sizes[country]).astype(np.int64)


def new_addresses(streams: Streams, size: int) -> tuple[pa.Array, pa.Array]:
    """Streets with house number, and postcodes."""
    house = streams.stream("house").integers(1, 240, size)
    street = choose(STREETS, streams.stream("street").integers(0, len(STREETS), size))
    code = random_text(streams.stream("postcode"), _POSTCODE, 6, size)
    postcode = join(pc.utf8_slice_codeunits(code, 0, 3), " ", pc.utf8_slice_codeunits(code, 3))
    return join(numbers(house), " ", street), postcode


def _mailboxes(
    streams: Streams,
    number: np.ndarray,
    given: np.ndarray,
    birth_family: np.ndarray,
    family: np.ndarray,
) -> tuple[pa.Array, pa.Array]:
    """The usual address (given.family at birth, a number) and an older one (family, a number), all
    distinct.
    """
    names = (
        [mailbox_name(name) for name in GIVEN_NAMES],
        [mailbox_name(name) for name in FAMILY_NAMES],
    )
    domain, old_domain = (
        choose(MAIL_DOMAINS, streams.stream(name).integers(0, len(MAIL_DOMAINS), len(number)))
        for name in ("mail domain", "old mail domain")
    )
    usual = numbers(scramble(number, _MAILBOX_NUMBERS, key(streams.seed, "mailbox")))
    older = numbers(scramble(number, _MAILBOX_NUMBERS, key(streams.seed, "old mailbox")))
    # sample: the older address keeps its accents, for example martínez61007@
    plain = [name.lower().replace(" ", "-").replace("'", "-") for name in FAMILY_NAMES]
    return (
        join(choose(names[0], given), ".", choose(names[1], birth_family), usual, "@", domain),
        join(choose(plain, family), older, "@", old_domain),
    )


def mailbox_name(name: str) -> str:
    """A name as it stands in a mailbox: lower case, most accents gone, hyphens for blanks and
    apostrophes.
    """
    kept = rates.ACCENT_KEPT_IN_MAILBOX
    letters = (c if c in kept else unicodedata.normalize("NFD", c)[0] for c in name.lower())
    return "".join(letters).replace(" ", "-").replace("'", "-")


def _shared(rng: np.random.Generator, home: np.ndarray, share: float) -> np.ndarray:
    """Whose phone or mailbox each person uses: the head's for some of the members, else the own."""
    own = np.arange(len(home))
    return np.where(rng.random(len(home)) < share, home, own)


def _at(
    values: np.ndarray | pa.Array, positions: np.ndarray, picked: pa.Array
) -> np.ndarray | pa.Array:
    return values[positions] if isinstance(values, np.ndarray) else values.take(picked)


def _concat(first: np.ndarray | pa.Array, second: np.ndarray | pa.Array) -> np.ndarray | pa.Array:
    if isinstance(first, np.ndarray):
        return np.concatenate([first, second])
    return pa.concat_arrays([first, second])
