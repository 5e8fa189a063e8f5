"""Tables that Python writes for dbt to read: phone numbers parsed once, rule files as rows."""

from dataclasses import dataclass

import duckdb
import pyarrow as pa

from activation.consent.identifiers import parse_phone
from activation.consent.regimes import flatten, flatten_purposes
from orchestration.rules import Rules
from orchestration.warehouse import quote, replace_table

COUNTRY_SCHEMA = [
    ("country", pa.string()),
    ("timezone", pa.string()),
    ("language", pa.string()),
    ("residency", pa.string()),
]
REGIME_SCHEMA = [
    ("jurisdiction", pa.string()),
    ("purpose", pa.string()),
    ("channel", pa.string()),
    ("basis", pa.string()),
    ("soft_opt_in", pa.bool_()),
    ("double_opt_in", pa.bool_()),
    ("minimum_notice", pa.string()),
    ("opt_out_signal", pa.bool_()),
]
PURPOSE_SCHEMA = [
    ("purpose", pa.string()),
    ("description", pa.string()),
    ("special_category", pa.bool_()),
    ("adult_age", pa.int32()),
]

PHONE_SCHEMA = pa.schema(
    [
        pa.field("raw", pa.string(), nullable=False),
        pa.field("country", pa.string()),
        pa.field("e164", pa.string()),
        pa.field("kind", pa.string()),
    ]
)


@dataclass(frozen=True)
class PhoneColumn:
    """Where landing holds phone numbers as people wrote them, and in which country they did."""

    table: str
    phone: str
    country: str


PHONE_COLUMNS = (
    PhoneColumn("crm_contacts", "phone", "country"),
    PhoneColumn("policy_policyholders", "phone", "country"),
    PhoneColumn("service_tickets", "requester_phone", "country"),
)


def refresh_phone_numbers(connection: duckdb.DuckDBPyConnection) -> int:
    """Parse every (raw, country) pair that landing holds and reference.phone_number lacks.

    A null country is a country of its own: only a number with its country code can be read then.

    Grain of the table: one row per raw text and country. libphonenumber takes about 100 us a
    number, so a number is parsed once in its life. Returns how many were new.
    """
    connection.execute("create schema if not exists reference")
    connection.execute(
        """
        create table if not exists reference.phone_number (
            raw varchar not null, country varchar, e164 varchar, kind varchar
        )
        """
    )
    pairs = connection.execute(_unparsed_pairs()).fetchall()
    parsed = [(raw, country, parse_phone(raw, country)) for raw, country in pairs]
    rows = pa.table(
        {
            "raw": [raw for raw, _, _ in parsed],
            "country": [country for _, country, _ in parsed],
            "e164": [number.e164 if number else None for _, _, number in parsed],
            "kind": [number.kind if number else None for _, _, number in parsed],
        },
        schema=PHONE_SCHEMA,
    )
    connection.register("parsed_numbers", rows)
    connection.execute("insert into reference.phone_number select * from parsed_numbers")
    connection.unregister("parsed_numbers")
    return len(pairs)


def _written_pairs() -> str:
    return " union ".join(
        f"select {quote(one.phone)} as raw, {quote(one.country)} as country "
        f"from landing.{quote(one.table)} where {quote(one.phone)} is not null"
        for one in PHONE_COLUMNS
    )


def unused_numbers() -> str:
    """SQL condition over reference.phone_number: no landing row holds the number any more."""
    return (
        f"not exists (select 1 from ({_written_pairs()}) as written where "
        "written.raw = phone_number.raw and written.country is not distinct from "
        "phone_number.country)"
    )


def _unparsed_pairs() -> str:
    return (
        f"select written.raw, written.country from ({_written_pairs()}) as written "
        "anti join reference.phone_number as known on written.raw = known.raw "
        "and written.country is not distinct from known.country order by all"
    )


def write_rule_tables(connection: duckdb.DuckDBPyConnection, rules: Rules) -> None:
    """Write reference.country, reference.regime and reference.purpose from a release's rules."""
    regimes = rules.regimes()
    for table, rows, schema in (
        ("country", rules.countries(), COUNTRY_SCHEMA),
        ("regime", flatten(regimes), REGIME_SCHEMA),
        ("purpose", flatten_purposes(regimes), PURPOSE_SCHEMA),
    ):
        replace_table(
            connection, "reference", table, pa.Table.from_pylist(rows, schema=pa.schema(schema))
        )
