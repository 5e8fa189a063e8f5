"""Lineage held against a suite scored by hand: one construct of DuckDB's SQL a case.

A case gives for each output column the columns it is computed from (`value`), those that decided
about it (`selection`), and what decided which rows there are and in which order (`rows`). Nothing
that is scored may be missed. `approximate` marks a case whose lineage is larger than the truth, and
says why; any other is exact.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from expectations.policy.lineage.edges import RelationLineage
from expectations.policy.lineage.faults import LineageError
from expectations.policy.lineage.shadow import ShadowCatalog

CONSTRUCTS = Path(__file__).parent / "constructs"
SHORT = yaml.safe_load((CONSTRUCTS / "_schema.yml").read_text())["short"]
CASES = [
    case
    for path in sorted(CONSTRUCTS.glob("[a-z]*.yml"))
    for case in yaml.safe_load(path.read_text())
]
SCORED = [case for case in CASES if "refused" not in case]
REFUSED = [case for case in CASES if "refused" in case]

Edges = dict[str, set[str]]


def columns(text: str | None) -> set[str]:
    """`c.id e.cid` as full names."""
    full = set()
    for word in (text or "").split():
        table, column = word.split(".")
        full.add(f"{SHORT[table]}.{column}")
    return full


def edges_by_column(scored: Mapping[str, str] | None) -> Edges:
    return {str(name): columns(text) for name, text in (scored or {}).items()}


def missed_and_surplus(case: Mapping[str, Any], lineage: RelationLineage) -> tuple[Edges, Edges]:
    """What was scored and not found, and what was found and not scored, by place.

    A selection that is already in the value says nothing more, so it counts for neither.
    """
    value, selection = edges_by_column(case["value"]), edges_by_column(case.get("selection"))
    assert [one.name for one in lineage.columns] == list(value), "the columns of the result"
    places: list[tuple[str, set[str], set[str]]] = []
    for one in lineage.columns:
        found = {str(column) for column in one.value}
        chosen = {str(column) for column in one.selection}
        wanted = selection.get(one.name, set())
        places.append((f"value of {one.name}", value[one.name], found))
        places.append((f"selection of {one.name}", wanted - found, chosen - value[one.name]))
    places.append(("rows", columns(case.get("rows")), {str(column) for column in lineage.rows}))
    missed = {place: wanted - found for place, wanted, found in places if wanted - found}
    surplus = {place: found - wanted for place, wanted, found in places if found - wanted}
    return missed, surplus


@pytest.mark.parametrize("case", SCORED, ids=lambda case: case["name"])
def test_lineage_is_as_scored_by_hand(case: Mapping[str, Any], catalog: ShadowCatalog) -> None:
    missed, surplus = missed_and_surplus(case, catalog.lineage(case["sql"]))
    assert not missed
    assert bool(surplus) == ("approximate" in case), surplus


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case["name"])
def test_what_has_no_lineage_is_refused(case: Mapping[str, Any], catalog: ShadowCatalog) -> None:
    with pytest.raises(LineageError, match=case["refused"]):
        catalog.lineage(case["sql"])


def test_the_suite_is_large_and_almost_exact() -> None:
    names = [case["name"] for case in CASES]
    assert len(names) == len(set(names))
    assert len(SCORED) >= 150
    assert sum("approximate" in case for case in SCORED) <= 0.03 * len(SCORED)
