"""What the last run knew of a person, as the consent table asks for it."""

import duckdb

from activation.consent.precedence import PersonFacts
from activation.consent.standing import KnownPerson
from activation.consent.suppression import Address

_PERSONS = """
select distinct person_id from identity.id_person_identifiers
where identifier_type = $1 and identifier = $2 order by person_id
"""
_FACTS = """
select jurisdiction, has_relationship, is_existing_customer, is_minor
from consent.con_persons where person_id = $1
"""
# the condition of con_events: permissions travel over verified, unshared links
_LINKS = """
select identifier_type, identifier,
    bool_or(not is_restriction_only and status = 'ok' and assurance in ('A', 'B')) as may_permit,
    bool_or(status = 'blocked') as is_blocked
from identity.id_person_identifiers where person_id = $1
group by identifier_type, identifier
"""
_FORMER_LINKS = """
select identifier_type, identifier, parted_at from consent.con_former_links where person_id = $1
"""


def persons_with(
    connection: duckdb.DuckDBPyConnection, identifier_type: str, identifier: str
) -> list[str]:
    """The persons who carry a normalised identifier, by whatever link."""
    rows = connection.execute(_PERSONS, [identifier_type, identifier]).fetchall()
    return [str(person_id) for (person_id,) in rows]


def read_known_person(connection: duckdb.DuckDBPyConnection, person_id: str) -> KnownPerson | None:
    """The person's facts and links, or None when the last run knew no such person."""
    facts = connection.execute(_FACTS, [person_id]).fetchone()
    if facts is None:
        return None
    links = connection.execute(_LINKS, [person_id]).fetchall()
    former_links = connection.execute(_FORMER_LINKS, [person_id]).fetchall()
    jurisdiction, has_relationship, is_existing_customer, is_minor = facts
    return KnownPerson(
        jurisdiction=jurisdiction,
        facts=PersonFacts(
            has_relationship=has_relationship,
            is_existing_customer=is_existing_customer,
            is_minor=is_minor,
            addresses=frozenset(Address(kind, one, blocked) for kind, one, _, blocked in links),
        ),
        links={(kind, one): may_permit for kind, one, may_permit, _ in links},
        former_links={(kind, one): parted_at for kind, one, parted_at in former_links},
    )
