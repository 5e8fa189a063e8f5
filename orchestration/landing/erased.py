"""Recognises rows of erased persons by the keyed hashes of their identifiers.

A record id, an e-mail address or a phone number may identify a row: its own key, the key of its
subject, and every column labelled as a contact. Phone numbers are compared by their last digits in
SQL and then, for the few that agree, as libphonenumber reads them.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from activation.consent.identifiers import normalise
from activation.privacy.keyed import hash_sql
from activation.privacy.suppression import Suppressed
from expectations.policy.graph import Relation
from expectations.policy.label import is_within
from orchestration.warehouse import quote

PHONE_TAIL = "phone_tail"
TAIL_DIGITS = 7
_HASHES = "landing_erased_hash"
_EMAIL, _PHONE = "user.contact.email", "user.contact.phone_number"
_TOKEN = re.compile(r"[\s,;\"'{}\[\]|<>()=]+|: ?")


@dataclass(frozen=True)
class Matcher:
    """Which columns of one landing table name a person, and as what.

    `ids` are (column, kind) of record ids; a value of `contacts` may be an e-mail address, a phone
    number or (where `any_kind`) a record id.
    """

    ids: tuple[tuple[str, str], ...]
    emails: tuple[str, ...]
    phones: tuple[str, ...]
    any_kind: tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys([*(c for c, _ in self.ids), *self.emails, *self.phones]))


def matchers(relations: Iterable[Relation]) -> dict[str, Matcher]:
    """The matcher of each labelled landing table, by table name.

    A record id is a column that is the subject key of some table, or ends in its name
    (`crm_contact_id` is a `contact_id`).
    """
    known = list(relations)
    kinds = {key for one in known for key in one.subject_key if _is_id(one, key)}
    return {one.table: _matcher(one, kinds) for one in known}


def _is_id(relation: Relation, column: str) -> bool:
    field = next((one for one in relation.fields if one.column.name == column), None)
    return field is not None and not _has(field.label.categories, "user.contact")


def _has(categories: Iterable[str], ancestor: str) -> bool:
    return any(is_within(one, ancestor) for one in categories)


def _matcher(relation: Relation, kinds: set[str]) -> Matcher:
    ids, emails, phones, any_kind = [], [], [], []
    for field in relation.fields:
        name, categories = field.column.name, field.label.categories
        kind = _kind(name, kinds)
        if "user.contact" in categories or _has(categories, _EMAIL):
            emails.append(name)
        if "user.contact" in categories or _has(categories, _PHONE):
            phones.append(name)
        if "user.contact" in categories and "user.unique_id" in categories:
            any_kind.append(name)
            ids += [(name, one) for one in sorted(kinds)]
        elif kind:
            ids.append((name, kind))
    return Matcher(tuple(ids), tuple(emails), tuple(phones), tuple(any_kind))


def _kind(column: str, kinds: set[str]) -> str | None:
    found = [kind for kind in kinds if column == kind or column.endswith(f"_{kind}")]
    return max(found, key=len, default=None)


class ErasedRows:
    """Finds erased persons' rows in one connection. Empty and free of cost while nobody is."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, suppressed: Suppressed) -> None:
        self._connection = connection
        self._suppressed = suppressed
        if suppressed.hashes:
            hashes = pa.table({"hash": pa.array(sorted(suppressed.hashes), pa.string())})
            connection.register("incoming_hashes", hashes)
            connection.execute(
                f"create or replace temp table {_HASHES} as select * from incoming_hashes"
            )
            connection.unregister("incoming_hashes")

    @property
    def is_empty(self) -> bool:
        return not self._suppressed.hashes

    def mark(self, relation: str, line: str, matcher: Matcher | None) -> str | None:
        """SQL for the set of values of `line` whose row names an erased person; None if none does.

        `relation` holds the matcher's columns under their own names; a column `country` helps to
        read phone numbers.
        """
        if self.is_empty or matcher is None:
            return None
        conditions = [
            self._known(hash_sql(kind, f"cast({quote(column)} as varchar)"))
            for column, kind in matcher.ids
        ]
        conditions += [
            self._known(hash_sql("email", email_sql(quote(column)))) for column in matcher.emails
        ]
        phones = self._phones(relation, matcher.phones)
        conditions += [f"{quote(c)} in (select value from landing_erased_phone)" for c in phones]
        if not conditions:
            return None
        found = self._connection.execute(
            f"select distinct {line} as line from {relation} where {' or '.join(conditions)}",
            {"secret": self._suppressed.keyed.secret} if matcher.ids or matcher.emails else None,
        ).to_arrow_table()
        if not found.num_rows:
            return None
        self._connection.register("landing_erased_line", found)
        return "(select line from landing_erased_line)"

    def _known(self, hashed: str) -> str:
        return f"{hashed} in (select hash from {_HASHES})"

    def _phones(self, relation: str, columns: Sequence[str]) -> Sequence[str]:
        """Write down the raw numbers that are an erased person's; the columns that may hold any."""
        values: set[str] = set()
        has_country = self._has_column(relation, "country")
        for column in columns:
            tail = hash_sql(PHONE_TAIL, tail_sql(quote(column)))
            rows = self._connection.execute(
                f"select distinct {quote(column)}, {'country' if has_country else 'null'} "
                f"from {relation} where {self._known(tail)}",
                {"secret": self._suppressed.keyed.secret},
            ).fetchall()
            values |= {raw for raw, country in rows if self._is_erased_phone(raw, country)}
        if not values:
            return ()
        table = pa.table({"value": pa.array(sorted(values), pa.string())})
        self._connection.register("landing_erased_phone", table)
        return columns

    def _is_erased_phone(self, raw: str, country: str | None) -> bool:
        number = normalise("phone", raw, country)
        return number is not None and self._suppressed.holds("phone", number)

    def _has_column(self, relation: str, column: str) -> bool:
        described = self._connection.execute(f"describe select * from {relation}").fetchall()
        return any(row[0] == column for row in described)

    def in_text(self, raw: str, kinds: Sequence[str]) -> bool:
        """Whether a line that could not be read names an erased person, by its words."""
        if self.is_empty:
            return False
        words = {word for word in _TOKEN.split(raw) if word}
        return any(
            self._suppressed.holds("email", normalise("email", word) or "")
            or any(self._suppressed.holds(kind, word) for kind in kinds)
            for word in words
        )


def email_sql(expression: str) -> str:
    """DuckDB's SQL for `normalise('email', ...)` of a text."""
    return rf"lower(regexp_replace(nfc_normalize({expression}), '[\s\p{{Z}}\p{{Cf}}]+', '', 'g'))"


def tail_sql(expression: str) -> str:
    """DuckDB's SQL for the last digits of a phone number."""
    return f"right(regexp_replace({expression}, '[^0-9]', '', 'g'), {TAIL_DIGITS})"


def phone_tail(number: str) -> str:
    """The last digits of a phone number."""
    return re.sub(r"[^0-9]", "", number)[-TAIL_DIGITS:]
