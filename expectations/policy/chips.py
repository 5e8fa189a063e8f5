"""A label in the few words that stand beside a column: one chip per category, region and purpose.

The same chips appear in Dagster's column schema, in dbt's documentation and on the lineage pages,
so a label reads alike wherever it is met.
"""

from expectations.policy.label import Label

NOTHING = "none"
"""What stands for an empty set: no region or no purpose is left that all inputs allow."""


def chips(label: Label) -> tuple[str, ...]:
    """The label's parts as `kind/value`, in the order category, residency, purpose, origin; last
    `retention/<days>d`. A part that allows everything has no chip; an empty one says `none`.
    """
    retention = () if label.retention_days is None else (f"retention/{label.retention_days}d",)
    return (
        *(f"category/{one}" for one in sorted(label.categories)),
        *_allowed("residency", label.residency),
        *_allowed("purpose", label.purposes),
        *(f"origin/{one}" for one in sorted(label.origin)),
        *retention,
    )


def _allowed(kind: str, allowed: frozenset[str] | None) -> tuple[str, ...]:
    if allowed is None:
        return ()
    return tuple(f"{kind}/{one}" for one in sorted(allowed)) or (f"{kind}/{NOTHING}",)
