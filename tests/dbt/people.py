"""Landing rows of invented people, and the commit that a run makes of identity's result."""

from typing import Any, Protocol

from tests.dbt.builder import AS_OF, Warehouse


class Built(Protocol):
    """A warehouse in which identity was built."""

    def rows(self, sql: str) -> list[tuple[Any, ...]]: ...

    def run_sql(self, sql: str) -> None: ...


def contact(contact_id: str, **columns: Any) -> dict[str, Any]:
    """A CRM contact in Great Britain."""
    return {"contact_id": contact_id, "country": "GB", **columns}


def policyholder(customer_number: str, **columns: Any) -> dict[str, Any]:
    """A policyholder in Great Britain."""
    return {"customer_number": customer_number, "country": "GB", **columns}


def ticket(ticket_id: str, **columns: Any) -> dict[str, Any]:
    """A service ticket opened in Great Britain on the day of the run."""
    return {"ticket_id": ticket_id, "country": "GB", "opened_at": AS_OF, **columns}


def account(account_id: str, **columns: Any) -> dict[str, Any]:
    """A product account opened in Great Britain on the day of the run."""
    return {"account_id": account_id, "country": "GB", "created_at": AS_OF, **columns}


def person(given: str, family: str, born: str | None = None) -> dict[str, Any]:
    """The naming columns of a contact or policyholder."""
    return {"given_name": given, "family_name": family, "date_of_birth": born}


def persons(warehouse: Warehouse) -> dict[str, str]:
    """record_id -> person_id of the built warehouse."""
    return dict(warehouse.rows("select record_id, person_id from identity.id_records"))


def partition(warehouse: Built) -> set[frozenset[str]]:
    """The persons of the built warehouse as sets of record keys, whatever their ids."""
    groups = warehouse.rows("select list(record_key) from identity.id_records group by person_id")
    return {frozenset(records) for (records,) in groups}


def commit_identity(warehouse: Built) -> None:
    """Append the run's changes to the store's copy and replace the map, as a run does after dbt."""
    warehouse.run_sql(
        """
        insert into store.identity_change
        select * from identity.id_changes
        where change_id not in (select change_id from store.identity_change);
        create or replace temp table moved_at as
        select record_key, max(changed_at) as since from store.identity_change group by record_key;
        delete from store.identity_map;
        insert into store.identity_map
        select record_key, person_id, since
        from identity.id_records inner join moved_at using (record_key)
        """
    )
