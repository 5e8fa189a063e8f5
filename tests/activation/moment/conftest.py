from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from sqlalchemy import Engine

from activation.decisions import Release
from activation.journeys import JourneySet, load
from activation.store import open_store
from tests.activation.decisions.variants import release_of
from tests.activation.decisions.worlds import create_world, insert, person, policy
from tests.activation.moment.people import create_state, email_of

FACTS = {
    "jurisdiction": "GB",
    "has_relationship": True,
    "is_existing_customer": True,
    "is_minor": False,
}


@pytest.fixture(scope="session")
def journeys() -> JourneySet:
    return load(Path(__file__).parents[3] / "activation" / "journeys")


@pytest.fixture(scope="session")
def release() -> Release:
    return release_of("r_now")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Engine]:
    """A store on SQLite; one test goes to PostgreSQL by itself."""
    engine = open_store(f"sqlite:///{tmp_path / 'assent.sqlite'}")
    yield engine
    engine.dispose()


@pytest.fixture
def warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    """Two persons with a policy each that is due for its reminder."""
    with duckdb.connect(config={"threads": 1}) as connection:
        create_world(connection)
        create_state(connection)
        for who, subject in (("p_1", "P1"), ("p_2", "P2")):
            insert(connection, "contexts.ctx_person", [person(who)])
            insert(connection, "contexts.ctx_policy", [policy(who, subject)])
            insert(connection, "consent.con_persons", [{"person_id": who, **FACTS}])
            insert(connection, "identity.id_person_identifiers", [email_of(who)])
        yield connection
