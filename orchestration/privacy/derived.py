"""What follows from landing is rebuilt without what was removed."""

from datetime import datetime

import duckdb

from orchestration import consent_ledger, dbt_runner, identity_map, moment
from orchestration.customer_build import build_customer
from orchestration.environment import Home
from orchestration.reference import unused_numbers
from orchestration.rules import active_dbt_project
from orchestration.warehouse import has_table, open_warehouse

_BUILT = (("customer", "contexts", "ctx_person"), ("outbound", "outbound", "out_permitted_actions"))


class RebuildError(RuntimeError):
    """A model could not be rebuilt; names the models. Nothing of it is left over-age or erased:
    the next run builds it."""


def forget_unused_numbers(connection: duckdb.DuckDBPyConnection) -> int:
    """Remove parsed phone numbers that no landing row holds any more."""
    if not has_table(connection, "reference", "phone_number"):
        return 0
    row = connection.execute(
        f"delete from reference.phone_number where {unused_numbers()}"
    ).fetchone()
    return int(row[0]) if row else 0


def rebuild(home: Home, as_of: datetime) -> list[str]:
    """Build again the models that were built before, from landing and store as they are now.

    Returns the selectors that were built. Raises RebuildError naming the models that failed.
    """
    with open_warehouse(home.warehouse) as connection:
        built = [name for name, schema, table in _BUILT if has_table(connection, schema, table)]
        if built:
            consent_ledger.republish(connection, home, as_of)
    for selector in built:
        _build(home, selector, as_of)
        if selector == "customer":
            with open_warehouse(home.warehouse) as connection:
                identity_map.commit(connection, home.store_url)
    if built and home.read_copy.exists():
        # Twice: the predecessor of the current copy stays for its readers, and it must not be one
        # that still holds what was removed.
        moment.publish(home, as_of)
        moment.publish(home, as_of)
    return built


def _build(home: Home, selector: str, as_of: datetime) -> None:
    project_dir = active_dbt_project(home)
    if selector == "customer":
        results = build_customer(home, as_of=as_of, project_dir=project_dir, data_tests=False)
    else:
        results = dbt_runner.build(
            home,
            selector=selector,
            select=None,
            as_of=as_of,
            project_dir=project_dir,
            data_tests=False,
        )
    failed = [
        one.unique_id
        for one in results
        if one.unique_id.startswith("model.") and one.status not in ("success", "no-op")
    ]
    if failed:
        raise RebuildError(
            f"not rebuilt: {', '.join(failed)}; mend them and run the same command again"
        )
