"""Special categories of personal data, as fideslang spells them.

Article 9(1) GDPR: racial or ethnic origin, political opinions, religious beliefs, genetic and
biometric data, health, sex life and orientation. Criminal history stands under Article 10 and is
held to the same.
"""

from expectations.policy.label import is_within

SPECIAL_CATEGORIES = (
    "user.authorization.biometric",
    "user.biometric",
    "user.criminal_history",
    "user.demographic.political_opinion",
    "user.demographic.race_ethnicity",
    "user.demographic.religious_belief",
    "user.demographic.sexual_orientation",
    "user.health_and_medical",
)


def may_hold(category: str, sought: str) -> bool:
    """Whether data of `category` may be data of `sought`.

    A category that is wider than the one sought may hold it: `user.financial` may be a bank
    account. Only a category beside it can't.
    """
    return is_within(category, sought) or is_within(sought, category)


def special_in(categories: frozenset[str]) -> frozenset[str]:
    """Those of `categories` that are special, or wide enough to hold a special one."""
    return frozenset(
        category
        for category in categories
        if any(may_hold(category, special) for special in SPECIAL_CATEGORIES)
    )
