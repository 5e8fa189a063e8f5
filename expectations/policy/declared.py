"""What a policy says as it stands in the YAML: parsed, each fault a finding, nothing guessed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from expectations.policy.finding import Code
from expectations.policy.label import Label
from expectations.policy.vocabulary import Vocabulary, nearest

COLUMN_KEYS = ("categories", "origin", "residency", "retention_days", "purposes", "declassify")
TABLE_KEYS = (
    *COLUMN_KEYS[:-1],
    *("subject", "subject_key", "event_time", "row_categories", "lifetime"),
)
DECLASSIFY_KEYS = (
    *("method", "from", "residency", "k", "generalisation"),
    *("reason", "approved_by", "ticket", "expires"),
)
METHODS = ("keyed_hash", "aggregate", "generalise", "drop")

#: (code, message, fix), to be placed by the caller who knows the file.
Fault = tuple[Code, str, str]


@dataclass(frozen=True)
class Declassify:
    """A declared loosening. It releases the categories `released` and adds the regions `residency`,
    never anything else. `expires` is the first day on which it no longer holds."""

    method: str
    released: frozenset[str]
    residency: frozenset[str]
    k: int | None
    generalisation: str | None
    expires: date | None


@dataclass(frozen=True)
class ColumnPolicy:
    """A column's own words; None where it says nothing."""

    categories: frozenset[str] | None = None
    origin: frozenset[str] | None = None
    residency: frozenset[str] | None = None
    purposes: frozenset[str] | None = None
    retention_days: int | None = None
    declassify: Declassify | None = None

    @property
    def says_anything(self) -> bool:
        return self != ColumnPolicy()

    def label(self) -> Label:
        """The label of a root, whose own words are all there is."""
        return Label(
            categories=self.categories or frozenset(),
            origin=self.origin or frozenset(),
            residency=self.residency,
            purposes=self.purposes,
            retention_days=self.retention_days,
        )


@dataclass(frozen=True)
class TablePolicy:
    """What a table says about its rows. `is_derived`: they go with the rows they were made from,
    so that their end is not counted from a time of their own."""

    subject: str | None = None
    subject_key: tuple[str, ...] = ()
    event_time: str | None = None
    row_categories: frozenset[str] = frozenset()
    is_derived: bool = False


class Parser:
    """Parses policies against a vocabulary; `faults` collects what is wrong with the last one."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self.faults: list[Fault] = []

    def column(self, policy: object, keys: tuple[str, ...] = COLUMN_KEYS) -> ColumnPolicy:
        """Parse a column's policy. What is wrong counts as not said, and is in `faults`."""
        self.faults = []
        if not isinstance(policy, Mapping):
            self._malformed("policy", "a mapping", "write policy: {categories: [...]}")
            return ColumnPolicy()
        self._refuse_unknown(policy, keys, "")
        return ColumnPolicy(
            categories=self._words(policy, "categories", "categories"),
            origin=self._texts(policy, "origin"),
            residency=self._words(policy, "residency", "regions"),
            purposes=self._words(policy, "purposes", "purposes"),
            retention_days=self._days(policy),
            declassify=self._declassify(policy["declassify"]) if "declassify" in policy else None,
        )

    def table(self, policy: object, columns: Mapping[str, Any]) -> TablePolicy:
        """Parse a table's policy, whose keys name columns of the table."""
        self.column(policy, TABLE_KEYS)
        if not isinstance(policy, Mapping):
            return TablePolicy()
        key = tuple(sorted(self._texts(policy, "subject_key") or ()))
        time = policy.get("event_time")
        for name in (*key, *([time] if time else [])):
            if name not in columns:
                self.faults.append(
                    (
                        Code.MALFORMED_LABEL,
                        f"{name} is not a column of the table",
                        nearest(str(name), columns, "its columns"),
                    )
                )
        lifetime = policy.get("lifetime")
        if lifetime not in (None, "derived"):
            self._malformed("lifetime", "derived", "write lifetime: derived, or leave it out")
        return TablePolicy(
            subject=str(policy["subject"]) if policy.get("subject") else None,
            subject_key=key,
            event_time=str(time) if time else None,
            row_categories=self._words(policy, "row_categories", "categories") or frozenset(),
            is_derived=lifetime == "derived",
        )

    def _declassify(self, declared: object) -> Declassify | None:
        if not isinstance(declared, Mapping):
            self._malformed("declassify", "a mapping", "write declassify: {method: ..., from: []}")
            return None
        self._refuse_unknown(declared, DECLASSIFY_KEYS, "declassify.")
        before = len(self.faults)
        for name, fault in _missing(declared):
            self.faults.append((Code.DECLASSIFY_INCOMPLETE, fault, f"add declassify.{name}"))
        method = declared.get("method")
        if method is not None and method not in METHODS:
            self.faults.append(
                (
                    Code.UNKNOWN_KEY,
                    f"declassify.method {method} is not known",
                    nearest(str(method), METHODS, "docs/policy.md"),
                )
            )
        expires = _date(declared.get("expires"))
        if declared.get("expires") is not None and expires is None:
            self._malformed("declassify.expires", "a date", "write it as 2027-06-30")
        released = self._words(declared, "from", "categories") or frozenset()
        residency = self._words(declared, "residency", "regions") or frozenset()
        if len(self.faults) > before:
            return None
        k = declared.get("k")
        return Declassify(
            method=str(method),
            released=released,
            residency=residency,
            k=k if isinstance(k, int) and not isinstance(k, bool) else None,
            generalisation=declared.get("generalisation"),
            expires=expires,
        )

    def _words(self, policy: Mapping[str, Any], key: str, kind: str) -> frozenset[str] | None:
        words = self._texts(policy, key)
        if words is None:
            return None
        for word in sorted(words):
            if fault := self._vocabulary.fault(kind, word):
                self.faults.append((Code.UNKNOWN_KEY, f"{key}: {fault[0]}", fault[1]))
        return words

    def _texts(self, policy: Mapping[str, Any], key: str) -> frozenset[str] | None:
        value = policy.get(key)
        if value is None:
            if key in policy:
                self._malformed(key, "text or a list of texts", "fill it or take it out")
            return None
        if isinstance(value, str):
            return frozenset({value})
        if isinstance(value, list | tuple) and all(isinstance(one, str) for one in value):
            return frozenset(value)
        self._malformed(key, "text or a list of texts", f"write {key}: [a, b]")
        return None

    def _days(self, policy: Mapping[str, Any]) -> int | None:
        days = policy.get("retention_days")
        if "retention_days" not in policy:
            return None
        if isinstance(days, int) and not isinstance(days, bool) and days > 0:
            return days
        self._malformed("retention_days", "a number of days above 0", "write a whole number")
        return None

    def _refuse_unknown(self, policy: Mapping[Any, Any], keys: tuple[str, ...], at: str) -> None:
        for key in policy:
            if key not in keys:
                self.faults.append(
                    (
                        Code.UNKNOWN_KEY,
                        f"{at}{key} is not a key of a policy here",
                        nearest(str(key), keys, "docs/policy.md"),
                    )
                )

    def _malformed(self, key: str, wanted: str, fix: str) -> None:
        self.faults.append((Code.MALFORMED_LABEL, f"{key} must be {wanted}", fix))


def _missing(declared: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name in ("method", "reason", "approved_by", "ticket", "expires"):
        if not declared.get(name):
            yield name, f"declassify says no {name}"
    if not declared.get("from") and not declared.get("residency"):
        yield "from", "declassify names no category and no region that it releases"
    if declared.get("method") == "aggregate" and not isinstance(declared.get("k"), int):
        yield "k", "declassify by aggregate says no k, the least number of people in a group"


def _date(value: object) -> date | None:
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        return None
