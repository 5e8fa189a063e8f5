"""Records to score, and the tables of a warehouse that the matching step reads, without dbt."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields

import duckdb

COLUMNS = [
    "record_key",
    "given_name",
    "family_name",
    "name_words",
    "initials",
    "date_of_birth",
    "swappable_birth_date",
    "email",
    "phone",
    "postcode",
    "street",
    "content_hash",
]


@dataclass(frozen=True)
class Person:
    """What one record says; its key is given apart."""

    given: str = "anna"
    family: str = "murphy"
    born: str | None = "1968-06-14"
    email: str | None = None
    phone: str | None = None
    postcode: str | None = "AB12CD"
    street: str | None = "1 high street"

    def row(self, key: str) -> tuple[str | None, ...]:
        words = sorted([self.given, self.family])
        swappable = None
        if self.born:
            year, month, day = self.born.split("-")
            swappable = "-".join([year, *sorted([month, day])])
        said = repr([getattr(self, field.name) for field in fields(self)])
        return (
            key, self.given, self.family, " ".join(words), "".join(word[0] for word in words),
            self.born, swappable, self.email, self.phone, self.postcode, self.street, said,
        )  # fmt: skip


def write(
    connection: duckdb.DuckDBPyConnection,
    people: Mapping[str, Person],
    *,
    clusters: Mapping[str, str] | None = None,
    customers: Iterable[str] = (),
    parted: Iterable[tuple[str, str]] = (),
) -> None:
    """Replace the tables that the step reads: by default each record is a cluster of its own."""
    connection.execute("create schema if not exists identity; create schema if not exists store")
    columns = ", ".join(f"{name} varchar" for name in COLUMNS)
    connection.execute(f"create or replace table identity.id_comparables ({columns})")
    connection.execute(
        "create or replace table identity.id_rule_clusters (record_key varchar, component varchar);"
        "create or replace table identity.id_traits (record_key varchar, customer_group varchar);"
        "create or replace table store.identity_override "
        "(kind varchar, record_key varchar, other_record_key varchar)"
    )
    for key, person in people.items():
        marks = ", ".join("?" for _ in COLUMNS)
        connection.execute(
            f"insert into identity.id_comparables values ({marks})", list(person.row(key))
        )
        connection.execute(
            "insert into identity.id_rule_clusters values (?, ?)",
            [key, (clusters or {}).get(key, key)],
        )
        connection.execute(
            "insert into identity.id_traits values (?, ?)",
            [key, key if key in set(customers) else None],
        )
    for one, other in parted:
        connection.execute(
            "insert into store.identity_override values ('never_link', ?, ?)", [one, other]
        )
