"""Who is meant: one person of the identity map, the records that are theirs, how they are known."""

from dataclasses import dataclass

import duckdb

from activation.consent.identifiers import normalise

SURE = ("A", "B")
"""Assurance of records that are the person's beyond doubt: what may be shown to them."""
DETERMINED = ("A", "B", "C")
"""Assurance of records that the rules assign to the person: what is erased with them."""


class SubjectError(LookupError):
    """Nobody, or more than one person, is known by what was given; never repeats it."""


@dataclass(frozen=True)
class Record:
    """A source record of the person, and how sure it is that it is theirs."""

    record_key: str
    system: str
    entity: str
    record_id: str
    assurance: str


@dataclass(frozen=True)
class Subject:
    """One person. `own` are identifiers that nobody else has, `shared` those that others have too
    (a household's phone); each is (identifier_type, normalised value)."""

    person_id: str
    former_ids: tuple[str, ...]
    records: tuple[Record, ...]
    own: tuple[tuple[str, str], ...]
    shared: tuple[tuple[str, str], ...]

    @property
    def person_ids(self) -> tuple[str, ...]:
        """Every id that stood for this person and for nobody else."""
        return (self.person_id, *self.former_ids)

    def records_with(self, assurances: tuple[str, ...]) -> tuple[Record, ...]:
        """The records of at least this assurance."""
        return tuple(one for one in self.records if one.assurance in assurances)


def find_subject(connection: duckdb.DuckDBPyConnection, given: str) -> Subject:
    """The person that a person_id, record key, record id, e-mail address or phone number means.

    Raises SubjectError where that is nobody, or, for a shared identifier, more than one.
    """
    persons = _persons(connection, given.strip())
    if not persons:
        raise SubjectError(
            "nobody is known by that: give a person_id, a record key (system.entity:id), a record "
            "id, an e-mail address, or a phone number with its country code"
        )
    if len(persons) > 1:
        raise SubjectError(
            f"{len(persons)} persons are known by that ({', '.join(persons)}): find out which one "
            "asks, and give the person_id"
        )
    return _describe(connection, persons[0])


def _persons(connection: duckdb.DuckDBPyConnection, given: str) -> list[str]:
    current = _texts(
        connection,
        "select distinct person_id from identity.id_records "
        "where person_id = $given or record_key = $given or record_id = $given order by 1",
        {"given": given},
    )
    if current:
        return current
    former = _texts(
        connection,
        "select distinct records.person_id from identity.id_records as records "
        "inner join store.identity_change as changes using (record_key) "
        "where changes.new_person_id = $given or changes.old_person_id = $given order by 1",
        {"given": given},
    )
    spellings = {given, normalise("email", given), normalise("phone", given)} - {None}
    return former or _texts(
        connection,
        "select distinct person_id from identity.id_person_identifiers "
        "where list_contains($spellings, identifier) order by 1",
        {"spellings": sorted(str(one) for one in spellings)},
    )


def _describe(connection: duckdb.DuckDBPyConnection, person_id: str) -> Subject:
    records = connection.execute(
        "select record_key, system, entity, record_id, assurance from identity.id_records "
        "where person_id = ? order by record_key",
        [person_id],
    ).fetchall()
    identifiers = connection.execute(
        "select identifier_type, identifier, max(others.person_id) is null "
        "and bool_and(mine.status <> 'blocked') from identity.id_person_identifiers as mine "
        "left join (select identifier_type, identifier, person_id from "
        "identity.id_person_identifiers where person_id <> $person) as others "
        "using (identifier_type, identifier) where mine.person_id = $person "
        "group by all order by 1, 2",
        {"person": person_id},
    ).fetchall()
    former = _texts(
        connection,
        "select distinct old_person_id from store.identity_change where record_key in "
        "(select record_key from identity.id_records where person_id = $person) "
        "and old_person_id is not null and old_person_id not in "
        "(select person_id from identity.id_records) order by 1",
        {"person": person_id},
    )
    return Subject(
        person_id,
        tuple(former),
        tuple(Record(*row) for row in records),
        tuple((kind, value) for kind, value, is_own in identifiers if is_own),
        tuple((kind, value) for kind, value, is_own in identifiers if not is_own),
    )


def _texts(
    connection: duckdb.DuckDBPyConnection, query: str, parameters: dict[str, object]
) -> list[str]:
    return [str(row[0]) for row in connection.execute(query, parameters).fetchall()]
