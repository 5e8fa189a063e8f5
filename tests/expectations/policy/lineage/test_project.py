"""Lineage of a project from its manifest: how each materialisation adds to that of its query."""

from pathlib import Path
from typing import Any

import pytest

from expectations.policy.lineage.edges import OutputColumn, RelationLineage
from expectations.policy.lineage.faults import DoesNotBind, Undeclared, UnsupportedConstruct
from expectations.policy.lineage.project import examine_project, project_lineage
from expectations.policy.lineage.shadow import ShadowCatalog
from tests.expectations.policy.lineage.manifests import manifest, model, source

PEOPLE = source("people", {"id": "integer", "email": "varchar", "seen": "timestamp"})
ORDERS = source("orders", {"id": "integer", "person": "integer", "amount": "double"})
FROM_PEOPLE = ("source.shop.raw.people",)
BOTH = ("source.shop.raw.people", "source.shop.raw.orders")


def lineage_of_model(name: str, *nodes: dict[str, Any], **more: Any) -> RelationLineage:
    return project_lineage(manifest(PEOPLE, ORDERS, *nodes), **more)["mart", name]


def column(lineage: RelationLineage, name: str) -> OutputColumn:
    return next(one for one in lineage.columns if one.name == name)


def names(columns: frozenset[Any]) -> set[str]:
    return {str(one) for one in columns}


def test_a_model_over_a_model_names_the_model_and_not_its_source() -> None:
    first = model("first", 'select id, email from "shop"."raw"."people"', FROM_PEOPLE)
    second = model("second", "select upper(email) as e from shop.mart.first", ("model.shop.first",))
    e = column(lineage_of_model("second", second, first), "e")
    assert names(e.value) == {"mart.first.email"}
    assert e.functions == {"upper"}
    assert e.type == "VARCHAR"


def test_a_model_that_does_not_bind_is_named_with_its_file() -> None:
    broken = model("broken", "select emial from shop.raw.people", FROM_PEOPLE)
    with pytest.raises(DoesNotBind, match=r"models/broken\.sql: .*emial"):
        lineage_of_model("broken", broken)


def test_a_source_column_without_a_type_is_named_with_its_file() -> None:
    untyped = source("untyped", {"id": "integer", "email": None})
    with pytest.raises(Undeclared, match=r"models/raw\.yml: column untyped\.email has no type"):
        project_lineage(manifest(untyped))


def test_a_manifest_that_was_only_parsed_is_refused_with_the_command_that_compiles() -> None:
    parsed = model("parsed", "select 1 as one")
    parsed["compiled_code"] = None
    with pytest.raises(Undeclared, match="dbt compile"):
        project_lineage(manifest(parsed))


def test_one_fault_does_not_hide_the_next_model_when_its_columns_are_declared() -> None:
    broken = model(
        "broken",
        "select email, getvariable('x') as x from shop.raw.people",
        FROM_PEOPLE,
        columns={"email": "varchar", "x": "varchar"},
    )
    after = model("after", "select email from shop.mart.broken", ("model.shop.broken",))
    examined = examine_project(manifest(PEOPLE, broken, after))
    assert [type(one) for one in examined.faults] == [UnsupportedConstruct]
    assert names(column(examined.relations["mart", "broken"], "email").value) == {
        *("raw.people.id", "raw.people.email", "raw.people.seen")
    }
    assert names(column(examined.relations["mart", "after"], "email").value) == {
        "mart.broken.email"
    }


def test_a_python_model_depends_on_everything_that_it_reads() -> None:
    python = model("scored", None, BOTH, columns={"person": "integer", "score": "double"})
    lineage = lineage_of_model("scored", python)
    assert len(column(lineage, "score").value) == 6
    assert lineage.relations == {("raw", "people"), ("raw", "orders")}


def test_a_python_model_without_declared_columns_is_refused() -> None:
    with pytest.raises(Undeclared, match=r"models/scored\.sql: nothing shows its columns"):
        lineage_of_model("scored", model("scored", None, BOTH))


def test_an_ephemeral_model_is_no_relation_and_hands_its_inputs_on() -> None:
    inlined = model(
        "inlined", "select * from shop.raw.people", FROM_PEOPLE, materialized="ephemeral"
    )
    python = model("scored", None, ("model.shop.inlined",), columns={"score": "double"})
    examined = project_lineage(manifest(PEOPLE, inlined, python))
    assert set(examined) == {("mart", "scored")}
    assert len(column(examined["mart", "scored"], "score").value) == 3


def test_an_incremental_model_whose_later_sql_is_unknown_depends_on_all_its_inputs() -> None:
    grown = model(
        "grown", "select id from shop.raw.people", FROM_PEOPLE, materialized="incremental"
    )
    assert names(column(lineage_of_model("grown", grown), "id").value) == {
        *("raw.people.id", "raw.people.email", "raw.people.seen")
    }


def test_an_incremental_model_that_reads_itself_depends_on_what_its_rows_once_did() -> None:
    sql = "select id, email as latest, email as first from shop.raw.people"
    later = """
        select p.id, o.amount::varchar as latest, coalesce(g.latest, p.email) as first
        from shop.raw.people p
        join shop.raw.orders o on o.person = p.id
        left join shop.mart.grown g on g.id = p.id
    """
    settings = {"materialized": "incremental", "unique_key": "id"}
    lineage = lineage_of_model(
        "grown",
        model("grown", sql, BOTH, **settings),
        renderings=[manifest(PEOPLE, ORDERS, model("grown", later, BOTH, **settings))],
    )
    assert names(column(lineage, "latest").value) == {"raw.people.email", "raw.orders.amount"}
    assert names(column(lineage, "first").value) == {"raw.people.email", "raw.orders.amount"}
    assert names(column(lineage, "first").selection) >= {"raw.people.id"}
    assert names(lineage.rows) == {"raw.people.id", "raw.orders.person"}
    assert lineage.relations == {("raw", "people"), ("raw", "orders")}


def test_a_snapshot_has_the_columns_that_dbt_adds() -> None:
    kept = model(
        "kept",
        "select id, email, seen from shop.raw.people",
        FROM_PEOPLE,
        kind="snapshot",
        materialized="snapshot",
        strategy="timestamp",
        unique_key="id",
        updated_at="seen",
    )
    lineage = lineage_of_model("kept", kept)
    assert [one.name for one in lineage.columns] == [
        *("id", "email", "seen"),
        *("dbt_scd_id", "dbt_updated_at", "dbt_valid_from", "dbt_valid_to"),
    ]
    assert names(column(lineage, "email").value) == {"raw.people.email"}
    assert names(column(lineage, "dbt_scd_id").value) == {"raw.people.id", "raw.people.seen"}
    valid_to = column(lineage, "dbt_valid_to")
    assert names(valid_to.value) == {"raw.people.seen"}
    assert names(valid_to.selection) >= {"raw.people.id"}
    assert names(lineage.rows) == {"raw.people.id", "raw.people.seen"}
    assert column(lineage, "dbt_valid_from").type == "TIMESTAMP"


def test_a_snapshot_by_comparison_depends_on_what_it_compares() -> None:
    kept = model(
        "kept",
        "select id, email, seen from shop.raw.people",
        FROM_PEOPLE,
        kind="snapshot",
        materialized="snapshot",
        strategy="check",
        unique_key=["id"],
        check_cols=["email"],
    )
    lineage = lineage_of_model("kept", kept)
    assert names(lineage.rows) == {"raw.people.id", "raw.people.email"}
    assert names(column(lineage, "dbt_valid_from").value) == {"raw.people.email"}


def test_a_materialisation_of_the_projects_own_is_a_black_box() -> None:
    solved = model("solved", "select id from shop.raw.people", FROM_PEOPLE, materialized="solver")
    assert names(column(lineage_of_model("solved", solved), "id").value) == {
        *("raw.people.id", "raw.people.email", "raw.people.seen")
    }


def test_a_materialisation_may_declare_which_columns_it_mixes() -> None:
    solved = model(
        "solved",
        "select id as a, id + 1 as b, email from shop.raw.people where seen > '2026-01-01'",
        FROM_PEOPLE,
        materialized="solver",
    )
    macro = {"meta": {"lineage": {"a": ["a", "email"]}}}
    lineage = project_lineage(
        manifest(PEOPLE, solved, macros={"macro.shop.materialization_solver_default": macro})
    )["mart", "solved"]
    assert names(column(lineage, "a").value) == {"raw.people.id", "raw.people.email"}
    assert names(column(lineage, "b").value) == {"raw.people.id"}
    assert names(column(lineage, "b").selection) == {
        *("raw.people.id", "raw.people.email", "raw.people.seen")
    }


def test_a_hook_that_may_write_to_the_table_is_refused() -> None:
    mended = model(
        "mended",
        "select id from shop.raw.people",
        FROM_PEOPLE,
        **{"post-hook": [{"sql": "update shop.mart.mended set id = 1"}]},
    )
    with pytest.raises(UnsupportedConstruct, match="hook"):
        lineage_of_model("mended", mended)


def test_the_order_of_a_models_rows_counts_for_whoever_takes_the_first() -> None:
    ordered = model(
        "ordered",
        "select id, row_number() over (partition by seen order by email) as n from shop.raw.people",
        FROM_PEOPLE,
    )
    first = model("first", "select id from shop.mart.ordered limit 1", ("model.shop.ordered",))
    assert names(lineage_of_model("first", ordered, first).rows) == {
        *("mart.ordered.id", "mart.ordered.n")
    }


def test_a_relation_that_is_read_by_its_plain_name_is_refused() -> None:
    hidden = model("hidden", "select id from shop.raw.orders", FROM_PEOPLE)
    with pytest.raises(UnsupportedConstruct, match=r"reads raw\.orders by its name"):
        lineage_of_model("hidden", hidden)


def test_a_fault_does_not_leave_the_lineage_that_led_to_it() -> None:
    hidden = model("hidden", "select id from shop.raw.orders", FROM_PEOPLE)
    assert examine_project(manifest(PEOPLE, ORDERS, hidden)).relations == {}


def test_the_cache_finds_what_is_found_without_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = model("first", "select id, md5(email) as e from shop.raw.people", FROM_PEOPLE)
    second = model("second", "select e from shop.mart.first", ("model.shop.first",))
    project = manifest(PEOPLE, ORDERS, first, second)
    cache = tmp_path / "state" / "lineage.json"
    fresh = project_lineage(project)
    assert project_lineage(project, cache=cache) == fresh

    def unexpected(*arguments: object) -> RelationLineage:
        raise AssertionError("was found before")

    with monkeypatch.context() as patched:
        patched.setattr("expectations.policy.lineage.project.lineage_of", unexpected)
        assert project_lineage(project, cache=cache) == fresh

    retyped = source("people", {"id": "bigint", "email": "varchar", "seen": "timestamp"})
    changed = project_lineage(manifest(retyped, ORDERS, first, second), cache=cache)
    assert column(changed["mart", "first"], "id").type == "BIGINT"


def test_a_cache_that_was_cut_off_is_found_again(tmp_path: Path) -> None:
    first = model("first", "select id from shop.raw.people", FROM_PEOPLE)
    cache = tmp_path / "lineage.json"
    cache.write_text('{"cut": [')
    project = manifest(PEOPLE, first)
    assert project_lineage(project, cache=cache) == project_lineage(project)


def test_the_check_that_a_subquery_has_one_row_is_no_count_of_rows(catalog: ShadowCatalog) -> None:
    one = "select (select kind from events) as k from customers where active"
    counted = "select case when count(*) > 1 then {} else first(kind) end as k from events"
    (guarded,) = catalog.lineage(one).columns
    assert guarded.functions == {"first"}
    assert names(guarded.value) == {"main.events.kind"}
    for then in ("'many'", "first(kind || 's')", "error(first(kind))"):
        (told,) = catalog.lineage(counted.format(then)).columns
        assert "count_star" in told.functions
