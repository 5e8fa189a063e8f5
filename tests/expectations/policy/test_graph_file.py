"""A graph survives the way through its file, byte for byte, whatever its labels hold."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from expectations.policy.chips import chips
from expectations.policy.dependencies import Edge, edges, readers
from expectations.policy.graph import Field, PolicyGraph, Relation
from expectations.policy.graph_file import GraphFileError, dump, load
from expectations.policy.label import UNRESTRICTED, Label
from expectations.policy.lineage.edges import Column, OutputColumn, RelationLineage
from tests.expectations.policy.graphs import column, insurer, label

NAMES = st.sampled_from(["a", "b", "ü", 'quote"d', "x.y"])
SETS = st.frozensets(NAMES, max_size=3)
LABELS = st.builds(
    Label,
    categories=SETS,
    origin=SETS,
    residency=st.none() | SETS,
    purposes=st.none() | SETS,
    retention_days=st.none() | st.integers(0, 10_000),
)
COLUMNS = st.builds(Column, NAMES, NAMES, NAMES)
LINEAGES = st.builds(
    RelationLineage,
    columns=st.lists(
        st.builds(
            OutputColumn,
            NAMES,
            NAMES,
            st.frozensets(COLUMNS, max_size=3),
            st.frozensets(COLUMNS, max_size=3),
            SETS,
        ),
        max_size=3,
    ).map(tuple),
    rows=st.frozensets(COLUMNS, max_size=3),
    relations=st.frozensets(st.tuples(NAMES, NAMES), max_size=3),
)


@st.composite
def graphs(draw: st.DrawFn) -> PolicyGraph:
    relations = {}
    for schema, table in draw(st.lists(st.tuples(NAMES, NAMES), unique=True, max_size=4)):
        fields = tuple(
            Field(
                Column(schema, table, name),
                "VARCHAR",
                draw(LABELS),
                draw(SETS),
                draw(st.booleans()),
            )
            for name in draw(st.lists(NAMES, unique=True, max_size=3))
        )
        relations[schema, table] = Relation(
            schema,
            table,
            draw(st.sampled_from(["source", "model", "snapshot"])),
            fields,
            draw(st.none() | LINEAGES),
            "models/x.sql",
            draw(st.none() | NAMES),
            tuple(draw(st.lists(NAMES, max_size=2))),
            draw(st.none() | NAMES),
        )
    return PolicyGraph(relations)


@given(graphs())
def test_what_is_read_back_is_what_was_written(graph: PolicyGraph) -> None:
    assert load(dump(graph)) == graph
    assert list(load(dump(graph)).relations) == list(graph.relations)
    assert dump(load(dump(graph))) == dump(graph)


def test_the_bytes_do_not_depend_on_the_seed_of_the_process_hashes() -> None:
    program = (
        "import hashlib; from tests.expectations.policy.graphs import insurer;"
        "from expectations.policy.graph_file import dump;"
        "print(hashlib.sha256(dump(insurer())).hexdigest())"
    )
    digests = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": "."},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(digests) == 1


@pytest.mark.parametrize("data", [b"", b"[]", b'{"format":"assent-policy-graph-0"}', b"\xff"])
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(GraphFileError):
        load(data)


def test_edges_say_how_a_column_depends_on_another() -> None:
    found = list(edges(insurer()))
    address = column("outbound.out_demo_actions.address")
    email = column("landing.crm_contacts.email")
    assert Edge(email, address, "value") in found
    every = column("outbound.out_demo_actions.*")
    assert Edge(column("landing.crm_contacts.updated_at"), every, "rows") in found
    assert {edge.target for edge in readers(insurer())[email]} == {
        address,
        column("outbound.out_demo_audiences.address"),
    }


def test_chips_show_each_part_and_none_where_nothing_is_left() -> None:
    shown = chips(label("user.contact.email", purposes=frozenset(), retention_days=30))
    assert shown == (
        "category/user.contact.email",
        "residency/eu",
        "residency/uk",
        "purpose/none",
        "origin/crm",
        "retention/30d",
    )
    assert chips(UNRESTRICTED) == ()
