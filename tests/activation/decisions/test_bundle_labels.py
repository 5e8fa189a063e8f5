"""A bundle holds only columns whose labels allow the purpose and the region; asking for more is
refused, recorded, and leaves every other node as it was."""

from datetime import timedelta
from pathlib import Path

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, select

from activation.decisions import Release, decide, record_inputs, replay
from activation.decisions.bundle import KEYS, read_contexts
from activation.decisions.bundle_labels import (
    allowed_columns,
    bundle_refusals,
    permitted_bundles,
)
from activation.decisions.deciding import APPROVAL_SCHEMA
from activation.journeys import JourneySet
from activation.log import DecisionLog
from activation.store import transaction
from activation.store.bundles import record_refusals
from activation.store.tables import bundle_refusal
from expectations.policy.graph import PolicyGraph
from expectations.policy.label import Label
from tests.activation.decisions.bulk import create_bulk_world
from tests.activation.decisions.worlds import AS_OF
from tests.activation.log.worlds import KEY
from tests.expectations.policy.graphs import graph, relation

REGIONS = st.none() | st.frozensets(st.sampled_from(["uk", "eu", "us"]), max_size=3)


def labelled(journeys: JourneySet, label_of: dict[str, Label]) -> PolicyGraph:
    """Every context of the journeys; a column (`ctx.column`) not named allows everything."""
    columns: dict[str, list[str]] = {}
    for node in journeys.nodes:
        names = columns.setdefault(node.context, list(KEYS))
        names += [name for name in node.fields if name not in names]
    return graph(
        *(
            relation(
                f"contexts.{context}",
                {name: label_of.get(f"{context}.{name}", Label()) for name in names},
            )
            for context, names in columns.items()
        )
    )


@st.composite
def label_maps(draw: st.DrawFn, journeys: JourneySet) -> dict[str, Label]:
    purposes = sorted({node.purpose for node in journeys.nodes})
    asked = sorted(
        {f"{node.context}.{name}" for node in journeys.nodes for name in (*KEYS, *node.fields)}
    )
    labels = st.builds(
        Label,
        purposes=st.none() | st.frozensets(st.sampled_from(purposes), min_size=1),
        residency=REGIONS,
    )
    return draw(st.dictionaries(st.sampled_from(asked), labels, max_size=3))


@given(data=st.data())
def test_whatever_bundle_is_built_holds_only_allowed_columns(
    journeys: JourneySet, data: st.DataObject
) -> None:
    policy_graph = labelled(journeys, data.draw(label_maps(journeys)))
    region = data.draw(st.sampled_from(["uk", "eu", "us"]))
    bundles = permitted_bundles(policy_graph, journeys, region)
    for node in bundles.journeys.nodes:
        allowed = allowed_columns(policy_graph, node.context, node.purpose, region)
        assert {*KEYS, *node.fields} <= allowed
        for name in {*KEYS, *node.fields}:
            label = next(
                field.label
                for field in policy_graph.relations["contexts", node.context].fields
                if field.column.name == name
            )
            assert label.purposes is None or node.purpose in label.purposes
            assert label.residency is None or region in label.residency
    refused = {one.node for one in bundles.refusals}
    assert refused | {node.id for node in bundles.journeys.nodes} == {n.id for n in journeys.nodes}
    assert not refused & {node.id for node in bundles.journeys.nodes}


def test_the_projection_that_is_compiled_names_no_column_of_a_refused_bundle(
    world: duckdb.DuckDBPyConnection, journeys: JourneySet
) -> None:
    marketing_only = Label(purposes=frozenset({"marketing"}))
    policy_graph = labelled(journeys, {"ctx_policy.product_line": marketing_only})
    bundles = permitted_bundles(policy_graph, journeys, "uk")
    contexts = {one.table: one for one in read_contexts(world, bundles.journeys)}
    assert "ctx_policy" not in contexts
    assert [str(one) for one in bundles.refusals] == [
        "renewal_reminder_day_90: ctx_policy.product_line: may be used for marketing, not for "
        "renewal. Fix: drop the field, or give the context a column that allows the purpose."
    ]


def test_a_key_and_a_region_and_a_column_without_label_are_refused_too(
    journeys: JourneySet,
) -> None:
    node = journeys.node("renewal_reminder_day_90")
    abroad = labelled(journeys, {"ctx_policy.person_id": Label(residency=frozenset({"us"}))})
    (refusal,) = bundle_refusals(abroad, node, "uk")
    assert (refusal.field, refusal.rule) == ("person_id", "region")
    unlabelled = bundle_refusals(PolicyGraph({}), node, "uk")
    assert {one.rule for one in unlabelled} == {"unknown"}
    assert {one.field for one in unlabelled} == {*KEYS, *node.fields}
    assert allowed_columns(PolicyGraph({}), "ctx_policy", "renewal", "uk") == frozenset()


@pytest.fixture
def refusing(journeys: JourneySet) -> PolicyGraph:
    return labelled(journeys, {"ctx_policy.status": Label(purposes=frozenset())})


def test_a_refused_node_decides_nothing_and_the_others_what_they_would_have(
    journeys: JourneySet, refusing: PolicyGraph, release: Release
) -> None:
    permitted = permitted_bundles(refusing, journeys, "uk").journeys
    with duckdb.connect() as connection:
        create_bulk_world(connection, 60, 7)
        everything = decide(connection, journeys=journeys, release=release, as_of=AS_OF)
        rest = decide(connection, journeys=permitted, release=release, as_of=AS_OF)
    assert "renewal_reminder_day_90" in everything["node"].to_pylist()
    assert "renewal_reminder_day_90" not in rest["node"].to_pylist()
    assert set(rest["node"].to_pylist()) == set(everything["node"].to_pylist()) - {
        "renewal_reminder_day_90"
    }


def test_a_batch_with_a_refused_node_is_replayed_to_the_same_leaves(
    tmp_path: Path, journeys: JourneySet, refusing: PolicyGraph, release: Release
) -> None:
    permitted = permitted_bundles(refusing, journeys, "uk").journeys
    log = DecisionLog(tmp_path / "log", signing_key=KEY)
    with duckdb.connect(config={"threads": 1}) as connection:
        create_bulk_world(connection, 60, 7)
        connection.execute("delete from activation.decision_log")
        approvals = APPROVAL_SCHEMA.empty_table()
        rows = decide(connection, journeys=permitted, release=release, as_of=AS_OF)
        inputs = record_inputs(
            connection,
            journeys=permitted,
            release=release,
            as_of=AS_OF,
            approvals=approvals,
            decided=rows,
        )
    log.append(rows, as_of=AS_OF, release=release.id, sealed_at=AS_OF, inputs=inputs)
    replayed = replay(log, 1)
    assert (replayed.ok, replayed.identical) == (True, len(rows))


def test_refusals_are_recorded_once_per_run_and_never_changed(
    store: Engine, journeys: JourneySet, refusing: PolicyGraph
) -> None:
    refusals = [
        {"node": one.node, "context": one.context, "field": one.field}
        | {"rule": one.rule, "reason": one.reason}
        for one in permitted_bundles(refusing, journeys, "uk").refusals
    ]
    recorded = []
    for as_of in (AS_OF, AS_OF, AS_OF + timedelta(days=1)):
        with transaction(store) as connection:
            recorded.append(record_refusals(connection, refusals, as_of=as_of, release="r_1"))
    assert recorded == [1, 0, 1]
    with store.connect() as connection:
        row = connection.execute(select(bundle_refusal)).first()
    assert row is not None
    assert (row.node, row.field, row.rule) == ("renewal_reminder_day_90", "status", "purpose")
