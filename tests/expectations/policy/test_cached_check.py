"""A check with a cache says what a fresh one says, whatever was edited since it was written."""

from collections.abc import Callable, Mapping
from copy import deepcopy
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from expectations.policy.check import build_graph, check_project
from expectations.policy.defaults import Defaults, read_defaults
from expectations.policy.location import Locator
from expectations.policy.vocabulary import Vocabulary, read_vocabulary
from tests.expectations.policy.lineage.manifests import manifest, model, source
from tests.expectations.policy.test_sql_mutations import HARMLESS, MUTATIONS, SQL, project

ON = date(2026, 11, 20)
NOWHERE = Locator(Path("nowhere"))
EDITS = [
    *((name, before, after) for name, before, after, _ in MUTATIONS.values()),
    *HARMLESS.values(),
]
Manifest = dict[str, Any]


def edited_sql(edit: tuple[str, str, str]) -> Callable[[Manifest], None]:
    name, before, after = edit

    def apply(made: Manifest) -> None:
        node = made["nodes"][f"model.shop.{name}"]
        node["compiled_code"] = node["compiled_code"].replace(before, after)

    return apply


def edited_label(column: str, policy: Mapping[str, Any]) -> Callable[[Manifest], None]:
    def apply(made: Manifest) -> None:
        of = made["sources"]["source.shop.raw.person"]["columns"][column]
        of["config"] = {"meta": {"policy": {"categories": ["user"], **policy}}}

    return apply


def edited_table(policy: Mapping[str, Any]) -> Callable[[Manifest], None]:
    def apply(made: Manifest) -> None:
        made["sources"]["source.shop.raw.person"]["config"]["meta"]["policy"].update(policy)

    return apply


def retyped(column: str, kind: str) -> Callable[[Manifest], None]:
    def apply(made: Manifest) -> None:
        made["sources"]["source.shop.raw.person"]["columns"][column]["data_type"] = kind

    return apply


def expired(made: Manifest) -> None:
    column = made["nodes"]["model.shop.hashed"]["columns"]["email_hash"]
    column["config"]["meta"]["policy"]["declassify"]["expires"] = "2026-01-01"


edits = st.one_of(
    st.sampled_from(EDITS).map(edited_sql),
    st.builds(
        edited_label,
        st.sampled_from(["email", "amount", "region"]),
        st.sampled_from(
            [
                {"categories": ["user.health_and_medical"]},
                {"categories": ["user.heath"]},
                {"residency": ["eu"]},
                {"retention_days": 1},
                {"purposes": []},
                {},
            ]
        ),
    ),
    st.builds(edited_table, st.sampled_from([{"retention_days": 2}, {"residency": ["us"]}])),
    st.builds(retyped, st.sampled_from(["email", "region"]), st.sampled_from(["text", "integer"])),
    st.just(expired),
)


@given(st.lists(st.tuples(edits, st.booleans()), min_size=1, max_size=6))
@settings(max_examples=20, deadline=None)
def test_after_any_edits_the_cached_check_is_the_fresh_one(
    steps: list[tuple[Callable[[Manifest], None], bool]],
) -> None:
    """Each step edits the project, or starts again from the first: what was found before an edit
    that was taken back must not come out either."""
    with TemporaryDirectory() as folder:
        cache = Path(folder) / "lineage.json"
        made = project(SQL)
        assert check_project(made, NOWHERE, ON, cache=cache).findings == ()
        for edit, starts_again in steps:
            made = project(SQL) if starts_again else deepcopy(made)
            edit(made)
            assert check_project(made, NOWHERE, ON, cache=cache) == check_project(made, NOWHERE, ON)


def test_other_defaults_and_another_vocabulary_count_although_lineage_is_remembered(
    tmp_path: Path,
) -> None:
    cache = tmp_path / "lineage.json"
    made = project(SQL)
    before = build_graph(made, NOWHERE, ON, cache)
    defaults = Defaults(**{**read_defaults().model_dump(), "columns": {"email": {"origin": "x"}}})
    words = read_vocabulary()
    vocabulary = Vocabulary(
        **{
            **{name: getattr(words, name) for name in words.__dataclass_fields__},
            "minimum_group": 50,
        }
    )
    for changed in ({"defaults": defaults}, {"vocabulary": vocabulary}):
        cached = build_graph(made, NOWHERE, ON, cache, **changed)  # type: ignore[arg-type]
        assert cached == build_graph(made, NOWHERE, ON, **changed)  # type: ignore[arg-type]
        assert cached != before


def test_another_duckdb_finds_lineage_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = tmp_path / "lineage.json"
    check_project(project(SQL), NOWHERE, ON, cache=cache)
    before = cache.read_bytes()
    monkeypatch.setattr(duckdb, "__version__", "0.0.1")
    check_project(project(SQL), NOWHERE, ON, cache=cache)
    assert cache.read_bytes() != before


def test_another_declared_lineage_of_a_materialisation_counts(tmp_path: Path) -> None:
    cache = tmp_path / "lineage.json"
    people = source("people", {"id": "bigint", "email": "varchar"})
    made = model(
        "pairs",
        "select id, email from shop.raw.people",
        ("source.shop.raw.people",),
        materialized="twins",
    )

    def declaring(column: str) -> Manifest:
        lineage = {"meta": {"lineage": {"id": [column]}}}
        return manifest(people, made, macros={"macro.shop.materialization_twins_duckdb": lineage})

    graphs = [
        build_graph(_named(declaring(column)), NOWHERE, ON, cache) for column in ("id", "email")
    ]
    read = [
        {source.name for source in graph.relations["mart", "pairs"].lineage.columns[0].value}  # type: ignore[union-attr]
        for graph in graphs
    ]
    assert read == [{"id"}, {"email"}]


def _named(made: Manifest) -> Manifest:
    for node in made["sources"].values():
        node |= {"name": node["identifier"], "source_name": "raw", "config": {}}
    for node in made["nodes"].values():
        node["name"] = node["alias"]
    return made
