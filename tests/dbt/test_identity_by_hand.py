"""What an analyst builds by hand is no ground for an increment."""

import pytest

from tests.dbt.builder import AS_OF, Warehouse


@pytest.fixture
def committed(warehouse: Warehouse) -> Warehouse:
    """A warehouse whose last run was committed."""
    warehouse.insert("run", [{"digest": "d", "stage": "committed", "as_of": AS_OF}])
    return warehouse


def stage(warehouse: Warehouse) -> str:
    ((value,),) = warehouse.rows("select stage from identity_state.run")
    return str(value)


def test_an_identity_model_that_was_built_by_hand_calls_for_a_full_build(
    committed: Warehouse,
) -> None:
    committed.run_dbt(["run", "--select", "id_rules"])
    assert stage(committed) == "built by hand"


def test_other_models_built_by_hand_leave_identity_as_it_was_committed(
    committed: Warehouse,
) -> None:
    committed.run_dbt(["run", "--select", "stg_crm__contacts"])
    assert stage(committed) == "committed"


def test_a_build_within_a_run_leaves_its_stage_alone(warehouse: Warehouse) -> None:
    warehouse.insert("run", [{"digest": "d", "stage": "records", "as_of": AS_OF}])
    warehouse.run_dbt(["run", "--select", "id_rules"])
    assert stage(warehouse) == "records"
