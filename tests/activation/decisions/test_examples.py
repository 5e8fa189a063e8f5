import duckdb

from activation.decisions.examples import run_examples
from activation.journeys import JourneySet
from tests.activation.decisions.variants import changed


def test_every_example_of_the_journeys_holds_in_the_compiled_sql(journeys: JourneySet) -> None:
    with duckdb.connect() as connection:
        assert run_examples(connection, journeys) == []


def test_an_example_that_does_not_hold_is_reported(journeys: JourneySet) -> None:
    wrong = changed(journeys, "claim_update_day_3", when="status = 'open' and days_open = 3")
    only = type(wrong)((wrong.node("claim_update_day_3"),), wrong.policies)
    with duckdb.connect() as connection:
        failures = run_examples(connection, only)
    assert [failure.example for failure in failures] == ["in review since 6 days"]
