"""Telephone numbers: valid mobile numbers per country, and the ten ways in which systems write
them.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from orchestration.demo.columns import choose, constant, join, numbers, where
from orchestration.demo.rates import PHONE_STYLE_SHARES
from orchestration.demo.streams import pick
from orchestration.demo.vocabulary import AGENT_PHONE, COUNTRIES, Country

_STYLES = tuple(PHONE_STYLE_SHARES)
_CALLING_CODES = tuple(country.calling_code for country in COUNTRIES)
_TRUNKS = tuple(country.trunk for country in COUNTRIES)
_AGENT_NATIONAL = AGENT_PHONE.removeprefix("+44")


def national_numbers(rng: np.random.Generator, country: np.ndarray, person: np.ndarray) -> pa.Array:
    """A mobile number per person, without country code and trunk digit.

    Numbers set aside for fiction are used while they last: by person number, so nobody gets
    another's.
    """
    chosen = rng.random(len(country))
    rest = rng.random(len(country))
    result = constant("", len(country))
    for position, place in enumerate(COUNTRIES):
        result = where(country == position, _numbers_of(place, chosen, rest, person), result)
    return result


def _numbers_of(
    country: Country, chosen: np.ndarray, rest: np.ndarray, person: np.ndarray
) -> pa.Array:
    prefixes = len(country.prefixes)
    prefix = choose(country.prefixes, (chosen * prefixes).astype(np.int64))
    digits = country.lowest + (rest * (10**country.digits - country.lowest)).astype(np.int64)
    ordinary = join(prefix, pc.utf8_lpad(numbers(digits), country.digits, "0"))
    if not country.fiction:
        return ordinary
    area = choose(country.prefixes, person % prefixes)
    fictional = join(area, country.fiction, pc.utf8_lpad(numbers(person // prefixes % 100), 2, "0"))
    return where(person < prefixes * 100, fictional, ordinary)


def international(country: np.ndarray, national: pa.Array) -> pa.Array:
    """The numbers in E.164."""
    return join("+", choose(_CALLING_CODES, country), national)


def written(
    rng: np.random.Generator, country: np.ndarray, national: pa.Array, agent: np.ndarray
) -> pa.Array:
    """The numbers as a clerk or an app wrote them down; the agent's own where `agent` holds."""
    style = pick(rng, PHONE_STYLE_SHARES, len(country))
    # The agent's number is a British one; written without its country code it looks like one of the
    # customer's country.
    digits = where(agent, _AGENT_NATIONAL, national)
    abroad = agent & (style < _STYLES.index("space_after_four"))
    calling_code = where(abroad, "44", choose(_CALLING_CODES, country))
    trunk = choose(_TRUNKS, country)
    home = join(trunk, digits)
    result = join("+", calling_code, digits)
    for name, text in {
        "double_zero": join("00", calling_code, digits),
        "trunk_in_brackets": where(
            pc.equal(trunk, "").to_numpy(zero_copy_only=False),
            join("+", calling_code, digits),
            join("+", calling_code, " (0)", digits),
        ),
        "space_after_four": _parted(home, 4, " "),
        "hyphen_after_three": _parted(home, 3, "-"),
        "national": home,
        "grouped_international": join("+", calling_code, " ", _parted(digits, 3, " ")),
        "area_in_brackets": join(
            "(", pc.utf8_slice_codeunits(home, 0, 4), ") ", pc.utf8_slice_codeunits(home, 4)
        ),
        "dotted": _parted(home, 4, "."),
        "hyphenated_international": join("+", calling_code, "-", _parted(digits, 3, "-")),
    }.items():
        result = where(style == _STYLES.index(name), text, result)
    return result


def _parted(digits: pa.Array, after: int, mark: str) -> pa.Array:
    return join(
        pc.utf8_slice_codeunits(digits, 0, after), mark, pc.utf8_slice_codeunits(digits, after)
    )
