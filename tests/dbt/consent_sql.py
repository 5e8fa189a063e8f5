"""Worlds run through the compiled models of models/consent, on a DuckDB of their own."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import duckdb
import pyarrow as pa

from activation.consent.regimes import flatten, flatten_purposes
from tests.dbt.builder import AS_OF
from tests.dbt.consent_world import FormerLink, Link, Permits, Person, World

UPSTREAM = {
    "identity.id_persons": "person_id varchar",
    "identity.id_records": "record_key varchar, person_id varchar",
    "identity.id_identifiers": "record_key varchar, identifier_type varchar, identifier varchar",
    "identity.id_changes": (
        "change_id varchar, record_key varchar, old_person_id varchar, new_person_id varchar,"
        " changed_at timestamptz"
    ),
    "identity.id_person_identifiers": (
        "person_id varchar, identifier_type varchar, identifier varchar, status varchar,"
        " assurance varchar, is_restriction_only boolean"
    ),
    "staging.stg_crm__contacts": (
        "record_key varchar, country varchar, date_of_birth date, updated_at timestamptz"
    ),
    "staging.stg_policy__policyholders": (
        "record_key varchar, country varchar, date_of_birth date, updated_at timestamptz"
    ),
    "staging.stg_product__accounts": "record_key varchar, country varchar, created_at timestamptz",
    "staging.stg_service__tickets": "record_key varchar, country varchar, opened_at timestamptz",
    "staging.stg_policy__policies": "customer_number varchar, status varchar",
    "store.consent_event": (
        "seq bigint, event_id varchar, identifier_type varchar, identifier varchar,"
        " purpose varchar, channel varchar, action varchar, notice_version varchar,"
        " source varchar, occurred_at timestamptz, recorded_at timestamptz, expires_at timestamptz"
    ),
    "store.consent_watermark": "seq bigint, recorded_at timestamptz",
    "reference.regime": (
        "jurisdiction varchar, purpose varchar, channel varchar, basis varchar,"
        " soft_opt_in boolean, double_opt_in boolean, minimum_notice varchar,"
        " opt_out_signal boolean"
    ),
    "reference.purpose": (
        "purpose varchar, description varchar, special_category boolean, adult_age integer"
    ),
}


class ConsentSql:
    """The compiled models of models/consent, run over worlds on one in-memory DuckDB."""

    def __init__(self, compiled: Sequence[tuple[str, str]]) -> None:
        self.compiled = compiled
        self.connection = duckdb.connect()
        self.connection.execute("attach ':memory:' as warehouse")
        self.connection.execute("use warehouse")
        self.connection.execute("set TimeZone = 'UTC'")
        for schema in ("identity", "staging", "store", "reference", "consent"):
            self.connection.execute(f"create schema {schema}")
        for table, columns in UPSTREAM.items():
            self.connection.execute(f"create table {table} ({columns})")

    def run(self, world: World) -> Permits:
        """Load the world, build every model, and return con_permits."""
        self.load(world)
        self.build()
        return self.permits()

    def permits(self) -> Permits:
        """con_permits as it was built last."""
        rows = self.connection.execute(
            "select person_id, purpose, channel, verdict, reason, basis, evidence"
            " from consent.con_permits"
        ).fetchall()
        permits: Permits = {
            (row[0], row[1], row[2]): (row[3], row[4], row[5], row[6]) for row in rows
        }
        assert len(permits) == len(rows)
        return permits

    def load(self, world: World) -> None:
        """Replace the content of every upstream table."""
        rows = dict(_tables(world))
        for table in UPSTREAM:
            self.connection.execute(f"delete from {table}")
            if rows.get(table):
                self.connection.register("incoming", pa.Table.from_pylist(rows[table]))
                self.connection.execute(f"insert into {table} by name select * from incoming")
                self.connection.unregister("incoming")

    def build(self) -> None:
        """Build every model of models/consent in order."""
        for relation, sql in self.compiled:
            self.connection.execute(f"create or replace table {relation} as {sql}")

    def suppressed_addresses(self) -> set[tuple[str, str]]:
        """(channel, address) of con_suppressed_addresses."""
        return set(
            self.connection.execute(
                "select channel, address from consent.con_suppressed_addresses"
            ).fetchall()
        )


def _tables(world: World) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    yield "identity.id_persons", [{"person_id": person.person_id} for person in world.persons]
    yield (
        "identity.id_records",
        [
            {"record_key": f"{entity}:{person.person_id}", "person_id": person.person_id}
            for person in world.persons
            for entity in ("crm.contacts", "policy.policyholders")
        ]
        + [
            {"record_key": record_key, "person_id": f"other {record_key}"}
            for record_key, _, _ in _parted(world)
        ],
    )
    yield "identity.id_changes", list(_changes(world))
    yield (
        "identity.id_identifiers",
        [
            {
                "record_key": record_key,
                "identifier_type": link.identifier_type,
                "identifier": link.identifier,
            }
            for record_key, _, link in _parted(world)
        ],
    )
    yield (
        "identity.id_person_identifiers",
        [
            {"person_id": person.person_id, **_link_row(link)}
            for person in world.persons
            for link in person.links
        ],
    )
    yield (
        "staging.stg_crm__contacts",
        [
            {
                "record_key": f"crm.contacts:{person.person_id}",
                "country": person.jurisdiction,
                "date_of_birth": date(2015, 5, 1) if person.is_minor else date(1980, 5, 1),
                "updated_at": AS_OF,
            }
            for person in world.persons
        ],
    )
    yield (
        "staging.stg_policy__policies",
        [
            {"customer_number": person.person_id, "status": person.policy}
            for person in world.persons
            if person.policy != "none"
        ],
    )
    yield (
        "store.consent_event",
        [
            {
                name: getattr(event, name)
                for name in (
                    "event_id",
                    "identifier_type",
                    "identifier",
                    "purpose",
                    "channel",
                    "action",
                    "notice_version",
                    "source",
                    "occurred_at",
                    "recorded_at",
                    "expires_at",
                )
            }
            | {"seq": seq}
            for seq, event in enumerate(world.events, start=1)
        ],
    )
    if world.copied_at is not None:
        yield (
            "store.consent_watermark",
            [{"seq": len(world.events), "recorded_at": world.copied_at}],
        )
    yield "reference.regime", flatten(world.regimes)
    yield "reference.purpose", flatten_purposes(world.regimes)


def _parted(world: World) -> Iterator[tuple[str, Person, FormerLink]]:
    """For each former link a record of its own, which the person had until it was split off."""
    for person in world.persons:
        for number, link in enumerate(person.former_links):
            yield f"{person.person_id}:{number}", person, link


def _changes(world: World) -> Iterator[dict[str, Any]]:
    created = AS_OF - timedelta(days=1000)
    for person in world.persons:
        yield {
            "change_id": f"created {person.person_id}",
            "record_key": f"crm.contacts:{person.person_id}",
            "new_person_id": person.person_id,
            "changed_at": created,
        }
    for record_key, person, link in _parted(world):
        yield {
            "change_id": f"joined {record_key}",
            "record_key": record_key,
            "new_person_id": person.person_id,
            "changed_at": created,
        }
        yield {
            "change_id": f"split {record_key}",
            "record_key": record_key,
            "old_person_id": person.person_id,
            "new_person_id": f"other {record_key}",
            "changed_at": link.parted_at,
        }


def _link_row(link: Link) -> Mapping[str, Any]:
    return {
        "identifier_type": link.identifier_type,
        "identifier": link.identifier,
        "status": link.status,
        "assurance": link.assurance,
        "is_restriction_only": link.is_restriction_only,
    }
