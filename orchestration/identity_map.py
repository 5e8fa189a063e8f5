"""Carries this run's identity changes from the warehouse into the store."""

import duckdb

from activation.store import opened_store
from activation.store.identity import commit_identity
from orchestration.increment import state

_CHANGES = """
select change_id, record_key, old_person_id, new_person_id, cause, changed_at
from identity.id_changes
anti join store.identity_change using (change_id)
order by record_key, change_id
"""


def commit(connection: duckdb.DuckDBPyConnection, store_url: str) -> int:
    """Append the changes that the store does not hold yet; returns how many there were."""
    changes = connection.execute(_CHANGES).to_arrow_table()
    with opened_store(store_url) as engine:
        committed = commit_identity(engine, changes)
    # The last write of all: a run that died before it is no ground for an increment.
    state.advance(connection, state.PERSONS, state.COMMITTED)
    return committed
