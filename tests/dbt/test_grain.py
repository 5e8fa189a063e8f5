"""The data test of a table's grain: which rows it takes and which it finds."""

from collections.abc import Callable

import pytest

from tests.dbt.builder import Row, Warehouse


@pytest.fixture(scope="module")
def tables(shared_warehouse: Callable[[str], Warehouse]) -> Warehouse:
    return shared_warehouse("grain")


def verdict(tables: Warehouse, source: str, rows: list[Row]) -> tuple[str, int]:
    """Status and number of failing keys of the grain test of a source with just these rows."""
    table = source.rpartition(".")[2]
    tables.clear(table)
    tables.insert(table, rows)
    (result,) = tables.run_dbt(["test", "--select", f"source:{source},test_name:grain"])
    return str(result.status), result.failures


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([("a", "p_1"), ("b", "p_1")], ("pass", 0)),
        ([("a", "p_1"), ("b", "p_1"), ("a", "p_2")], ("fail", 1)),
        ([("a", "p_1"), (None, "p_1")], ("fail", 1)),
        ([("a", "p_1"), ("b", None), ("c", None)], ("fail", 2)),
    ],
    ids=["one row a key", "a key twice", "no key", "a column that is never null is"],
)
def test_each_row_has_a_key_of_its_own_and_what_is_never_null(
    tables: Warehouse, rows: list[tuple[str | None, str | None]], expected: tuple[str, int]
) -> None:
    named = [{"record_key": record, "person_id": person} for record, person in rows]
    assert verdict(tables, "store.identity_map", named) == expected


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([("a", "b"), ("a", "c"), ("b", "c")], ("pass", 0)),
        ([("a", "b"), ("a", "b"), ("a", "c")], ("fail", 1)),
        ([("a", "b"), ("a", None)], ("fail", 1)),
    ],
    ids=["one row a pair", "a pair twice", "half a key"],
)
def test_a_key_of_two_columns_is_one_key(
    tables: Warehouse, rows: list[tuple[str | None, str | None]], expected: tuple[str, int]
) -> None:
    named = [{"record_key": one, "other_record_key": other} for one, other in rows]
    assert verdict(tables, "identity.id_scores", named) == expected
