"""Evidence and labels of the real project: tables for SQL, pages, dbt's site, the gates."""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from click.testing import CliRunner

from activation.decisions.bundle_labels import permitted_bundles
from activation.syncs.labels import label_refusals
from activation.syncs.spec import SyncSpec
from orchestration.cli import main
from orchestration.dbt_docs import labelled_manifest
from orchestration.environment import home
from orchestration.evidence import commit_time, evidence_inputs
from tests.orchestration.conftest import Finished
from tests.orchestration.places import AS_OF


@pytest.fixture
def inputs(prepared_home: Path) -> Any:
    return evidence_inputs(home(prepared_home), AS_OF)


def test_every_node_of_the_sample_gets_its_bundle_and_every_sync_may_leave(inputs: Any) -> None:
    assert permitted_bundles(inputs.graph, inputs.journeys, "uk").refusals == ()
    for sync in inputs.syncs:
        assert label_refusals(inputs.graph, inputs.journeys, sync, AS_OF.date()) == ()


def test_a_destination_moved_out_of_residency_is_refused_field_by_field(inputs: Any) -> None:
    (sync,) = [one for one in inputs.syncs if one.name == "webhook_actions"]
    moved = SyncSpec.model_validate(sync.model_dump() | {"region": "us"})
    refused = label_refusals(inputs.graph, inputs.journeys, moved, AS_OF.date())
    assert {"address", "given_name", "claim_status"} <= {one.field for one in refused}
    basis = {"mechanism": "scc", "reference": "DPA-7", "expires": date(2027, 1, 1)}
    dated = SyncSpec.model_validate(moved.model_dump() | {"transfer": basis})
    assert label_refusals(inputs.graph, inputs.journeys, dated, AS_OF.date()) == ()
    assert label_refusals(inputs.graph, inputs.journeys, dated, date(2027, 1, 1)) != ()


def test_the_warehouse_has_every_field_and_edge_after_a_run(first: Finished) -> None:
    with duckdb.connect(str(first.place.home / "warehouse.duckdb")) as connection:
        special = connection.execute(
            "select relation_table || '.' || column_name from policy.pol_field "
            "where len(special_categories) > 0 and relation_schema = 'outbound' order by 1"
        ).fetchall()
        unknown = connection.execute(
            "select count(*) from policy.pol_edge as e anti join policy.pol_field as f "
            "on e.source_schema = f.relation_schema and e.source_table = f.relation_table "
            "and e.source_column = f.column_name"
        ).fetchone()
        columns = connection.execute(
            "select count(*) from duckdb_columns() as c anti join policy.pol_field as f "
            "on c.schema_name = f.relation_schema and c.table_name = f.relation_table "
            "and lower(c.column_name) = f.column_name where c.schema_name in "
            "('staging', 'identity', 'consent', 'profiles', 'contexts', 'outbound')"
        ).fetchone()
    assert ("out_outbox_actions.claim_status",) in special
    assert unknown == (0,)
    assert columns is not None
    assert columns[0] <= 1  # identity.id_commit is no table of dbt's


def test_a_run_leaves_lineage_pages(first: Finished) -> None:
    pages = first.place.home / "policy" / "lineage"
    page = (pages / "outbound.out_outbox_actions.html").read_text()
    assert 'href="outbound.out_permitted_actions.html#address"' in page


def test_the_exports_of_one_commit_are_byte_identical_and_hold_no_path_of_the_machine(
    prepared_home: Path, tmp_path: Path
) -> None:
    found = []
    for name in ("a", "b"):
        done = CliRunner().invoke(
            main,
            ["evidence", "export", "--out", str(tmp_path / name), "--home", str(prepared_home)],
        )
        assert done.exit_code == 0, done.output
        folder = tmp_path / name
        found.append(
            {str(f.relative_to(folder)): f.read_bytes() for f in folder.rglob("*") if f.is_file()}
        )
    assert found[0] == found[1]
    assert len(found[0]) > 20
    root = str(Path(__file__).resolve().parents[2]).encode()
    assert not [name for name, data in found[0].items() if root in data]


def test_the_labels_are_in_dbts_documentation_and_not_in_the_manifest_itself(
    inputs: Any, prepared_home: Path, manifest: dict[str, Any]
) -> None:
    before = json.dumps(manifest, sort_keys=True)
    labelled = labelled_manifest(manifest, inputs.graph)
    node = labelled["nodes"]["model.assent.out_outbox_actions"]
    address = node["columns"]["address"]
    assert "`category/user.contact.email`" in address["description"]
    assert "residency/uk" in address["meta"]["label"]
    assert "generated_at" not in labelled["metadata"]
    assert json.dumps(manifest, sort_keys=True) == before


def test_the_site_opens_from_the_disk(prepared_home: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(
        main, ["policy", "docs", "--out", str(tmp_path), "--home", str(prepared_home)]
    )
    assert done.exit_code == 0, done.output
    site = (tmp_path / "dbt" / "index.html").read_text()
    assert "INLINE DATA" not in site
    assert "category/user.contact.email" in site
    assert (tmp_path / "lineage" / "index.html").exists()


def test_an_instant_without_offset_is_refused(prepared_home: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(
        main, ["evidence", "export", "--out", str(tmp_path), "--at", "2026-11-20T06:00:00"]
    )
    assert done.exit_code == 2
    assert "offset" in done.output


def test_outside_git_the_documents_carry_the_epoch(tmp_path: Path) -> None:
    assert commit_time(tmp_path) == datetime(1970, 1, 1, tzinfo=UTC)
