"""What the regimes permit, in the form in which revisions are compared."""

from collections.abc import Collection

from activation.consent.regimes import Regimes, RuleBook
from activation.consent.vocabulary import ANY
from expectations.policy.allowance import Allowance, Allowances


def consent_allowances(regimes: Regimes, countries: Collection[str]) -> Allowances:
    """`consent for <purpose> in <country>` for each purpose and country, and the age of consent.

    `countries` are those that either of the compared revisions names: a country that one of them
    leaves to `elsewhere` is compared by what holds there.
    """
    book = RuleBook(regimes)
    return {
        **{
            f"consent for {purpose} {'elsewhere' if country == ANY else f'in {country}'}": _rules(
                regimes, book, purpose, country
            )
            for purpose in sorted(regimes.purposes)
            for country in (*sorted(countries), ANY)
        },
        "consent of minors": Allowance(least={"adult_age": regimes.adult_age}, is_limit=True),
    }


def named_countries(regimes: Regimes) -> frozenset[str]:
    """The countries that some purpose names."""
    return frozenset(
        country
        for purpose in regimes.purposes.values()
        for regime in purpose.regimes
        if not isinstance(regime.countries, str)
        for country in regime.countries
    )


def _rules(regimes: Regimes, book: RuleBook, name: str, country: str) -> Allowance:
    purpose = regimes.purposes[name]
    found = [rule for channel in regimes.channels if (rule := book.find(country, name, channel))]
    unasked = [f"{one.basis} by {one.channel}" for one in found if one.basis != "consent"]
    soft = [f"soft_opt_in by {one.channel}" for one in found if one.soft_opt_in]
    return Allowance(
        allowed={
            "channels": frozenset(one.channel for one in found),
            "grounds beside consent": frozenset([*unasked, *soft]),
            "channels without double opt-in": frozenset(
                one.channel for one in found if not one.double_opt_in
            ),
            "channels despite an opt-out signal": frozenset(
                one.channel for one in found if not one.opt_out_signal
            ),
        },
        asked={"demands": frozenset({"explicit consent"} if purpose.special_category else ())},
        least={} if purpose.minimum_notice is None else {"minimum_notice": purpose.minimum_notice},
    )
