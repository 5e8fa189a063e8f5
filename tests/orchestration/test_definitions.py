"""What Dagster shows: assets that are owned, described and real; jobs, schedule and sensors."""

from typing import Any

import dagster as dg
import pytest

from tests.orchestration.conftest import Finished

ASSETS = {
    "landing": """
        billing_invoices communications_engagement communications_messages consent_consent_events
        crm_contacts events_claim_milestone events_feature_used events_login events_ticket_resolved
        load_audit policy_claims policy_policies policy_policyholders product_accounts
        product_milestones quarantine service_satisfaction service_tickets
    """,
    "reference": "country phone_number purpose regime",
    "store": """
        consent_event consent_watermark hash_key identity_change identity_map identity_override
    """,
    "staging": """
        stg_billing__invoices stg_communications__engagement stg_communications__messages
        stg_crm__contacts stg_events__claim_milestone stg_events__feature_used stg_events__login
        stg_events__ticket_resolved stg_policy__claims stg_policy__policies
        stg_policy__policyholders stg_product__accounts stg_product__milestones
        stg_service__satisfaction stg_service__tickets
    """,
    "identity": """
        id_assignments id_authoritative_links id_authorities id_candidate_links id_changes
        id_clusters id_commit id_comparables id_components id_composite_key_status id_composite_keys
        id_contact_components id_guarded id_identifiers id_joined id_joined_violations id_key_status
        id_keys id_ladder id_links id_person_identifiers id_persons id_probable_links id_proposals
        id_record_attributes id_records id_review id_rule_clusters id_rules id_scored id_scores
        id_traits id_violations
    """,
    "consent": """
        con_address_suppressions con_events con_former_links con_opt_outs con_own_grants con_permits
        con_persons con_state con_suppressed_addresses con_suppressions con_watermark
    """,
    "profiles": """
        per_accounts per_address_candidates per_addresses per_claims per_contact_points per_persons
        per_policies per_records per_sources per_tickets
    """,
    "contexts": "ctx_account ctx_claim ctx_customer ctx_person ctx_policy ctx_ticket",
    "policy": "pol_edge pol_field",
    "gate": "before_decisions before_syncs",
    "activation": "action audience decision_log release_history",
    "moment": "read_copy",
    "outbound": """
        out_outbox_actions out_outbox_audiences out_permitted_actions out_permitted_members
        out_postgres_actions out_postgres_audiences out_webhook_actions
    """,
    "syncs": "outbox_actions outbox_audiences postgres_actions postgres_audiences webhook_actions",
    "privacy": "retention",
}
# Columns that landing adds to each row are about the row, not about a person.
AUDIT_TABLES = {"load_audit", "quarantine"}
# Made by its own job, at night.
RETENTION = dg.AssetKey(["privacy", "retention"])


@pytest.fixture
def graph(definitions: Any) -> Any:
    """The assets and what depends on what."""
    return definitions.resolve_asset_graph()


def plain(metadata: Any) -> Any:
    """The value of a metadata entry, wrapped or not."""
    return getattr(metadata, "value", metadata)


def test_the_assets_are_exactly_these(graph: Any) -> None:
    listed = {f"{schema}/{table}" for schema, tables in ASSETS.items() for table in tables.split()}
    found = {"/".join(key.path) for key in graph.get_all_asset_keys()}
    assert found == listed


def test_every_asset_has_a_group_an_owner_a_description_and_kinds(graph: Any) -> None:
    faults = [
        f"{key.to_user_string()}: add {what} where the asset is declared"
        for key in graph.get_all_asset_keys()
        for what, found in (
            ("a group", graph.get(key).group_name not in (None, "default")),
            ("an owner", graph.get(key).owners),
            ("a description", graph.get(key).description),
            ("kinds", graph.get(key).kinds),
        )
        if not found
    ]
    assert faults == []


def test_no_asset_is_a_stub_a_run_makes_each_of_them(graph: Any, first: Finished) -> None:
    keys = [key for key in graph.get_all_asset_keys() if key != RETENTION]
    with dg.DagsterInstance.from_config(str(first.place.home / "dagster")) as instance:
        made = instance.get_latest_materialization_events(keys)
    assert [key.to_user_string() for key, event in made.items() if event is None] == []
    assert all(graph.get(key).is_executable for key in graph.get_all_asset_keys())


def test_every_column_of_landing_carries_its_policy_as_tags(graph: Any) -> None:
    faults, labelled = [], 0
    for table in set(ASSETS["landing"].split()) - AUDIT_TABLES:
        schema = graph.get(dg.AssetKey(["landing", table])).metadata["dagster/column_schema"]
        for column in plain(schema).columns:
            kinds = {tag.split("/")[0] for tag in column.tags}
            labelled += 1
            if not kinds >= {"category", "residency", "purpose", "retention"}:
                faults.append(f"landing.{table}.{column.name}: complete config.meta.policy")
    assert faults == []
    assert labelled > 100


def test_every_column_of_every_model_has_a_type_and_chips_of_its_inferred_label(
    graph: Any, manifest: dict[str, Any]
) -> None:
    models = [one for one in manifest["nodes"].values() if one["resource_type"] == "model"]
    chips = 0
    for node in models:
        metadata = graph.get(dg.AssetKey([node["schema"], node["alias"]])).metadata
        columns = plain(metadata["dagster/column_schema"]).columns
        assert {one.name for one in columns} >= {name.lower() for name in node["columns"]}
        assert all(one.type != "?" for one in columns)
        chips += sum(len(one.tags) for one in columns)
        assert "policy/residency" in metadata
    assert chips > 1000


def test_an_outbound_address_is_shown_with_its_label_its_lineage_and_its_page(graph: Any) -> None:
    metadata = graph.get(dg.AssetKey(["outbound", "out_outbox_actions"])).metadata
    columns = {one.name: one for one in plain(metadata["dagster/column_schema"]).columns}
    assert {"category/user.contact.email", "residency/uk"} <= set(columns["address"].tags)
    lineage = plain(metadata["dagster/column_lineage"]).deps_by_column
    (source,) = lineage["address"]
    assert source.asset_key == dg.AssetKey(["outbound", "out_permitted_actions"])
    assert source.column_name == "address"
    assert plain(metadata["policy/lineage"]).endswith("outbound.out_outbox_actions.html")
    assert plain(metadata["policy/retention_days"]) > 0


def test_keys_are_schema_and_table(definitions: Any, manifest: dict[str, Any]) -> None:
    from orchestration.translator import asset_key

    nodes = [*manifest["nodes"].values(), *manifest["sources"].values()]
    tables = [node for node in nodes if node["resource_type"] in ("model", "source")]
    assert len(tables) > 80
    for node in tables:
        assert asset_key(node) == dg.AssetKey([node["schema"], node.get("alias") or node["name"]])


def test_what_decides_stands_behind_its_gate_and_what_sends_behind_the_other(graph: Any) -> None:
    before_decisions = dg.AssetKey(["gate", "before_decisions"])
    before_syncs = dg.AssetKey(["gate", "before_syncs"])
    for table in ASSETS["activation"].split():
        assert before_decisions in graph.get(dg.AssetKey(["activation", table])).parent_keys
    for name in ASSETS["syncs"].split():
        assert before_syncs in graph.get(dg.AssetKey(["syncs", name])).parent_keys


def test_jobs_schedule_and_sensors_have_their_names(definitions: Any) -> None:
    assert [job.name for job in definitions.jobs] == ["activation", "removals", "retention"]
    assert [schedule.name for schedule in definitions.schedules] == ["hourly", "nightly_retention"]
    assert [one.name for one in definitions.sensors] == ["new_landing_files", "new_withdrawals"]
    assert definitions.resolve_job_def("activation").executor_def.name == "in_process"


def test_the_whole_job_makes_every_asset_and_the_removals_decide_nothing(
    definitions: Any, graph: Any
) -> None:
    def made_by(name: str) -> set[dg.AssetKey]:
        return set(definitions.resolve_job_def(name).asset_layer.selected_asset_keys)

    assert made_by("activation") == set(graph.get_all_asset_keys()) - {RETENTION}
    assert made_by("retention") == {RETENTION}
    groups = {key.path[0] for key in made_by("removals")}
    assert groups == {"store", "consent", "outbound", "gate", "syncs"}
    assert dg.AssetKey(["gate", "before_decisions"]) not in made_by("removals")


def test_the_hourly_schedule_pins_the_hour_it_is_due(definitions: Any, tmp_path: Any) -> None:
    from datetime import UTC, datetime

    from orchestration.run_settings import RunSettings
    from orchestration.schedules import hourly

    context = dg.build_schedule_context(
        scheduled_execution_time=datetime(2026, 11, 20, 9, tzinfo=UTC),
        resources={"settings": RunSettings(home=str(tmp_path))},
    )
    with context:
        request = hourly(context)
    config = request.run_config["resources"]["settings"]["config"]
    assert config == {"as_of": "2026-11-20T09:00:00+00:00"}
