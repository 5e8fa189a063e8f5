"""The record of processing, the AI RMF profile and DPIA inputs: what they say and never claim."""

import json
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from activation.evidence.ai_rmf import FUNCTIONS, load_outcomes, profile
from activation.evidence.ai_rmf_checks import CHECKS
from activation.evidence.export import documents, write
from activation.evidence.impact import impact_inputs
from activation.evidence.inputs import EvidenceInputs
from activation.evidence.lineage_pages import pages
from activation.evidence.organisation import Attestation
from activation.evidence.processing import record_of_processing
from activation.journeys.node import RiskTier
from activation.syncs.spec import SyncSpec
from expectations.located_yaml import SourceError
from expectations.policy.graph import PolicyGraph
from tests.activation.evidence.inputs import ROOT, insurer_inputs

AT = datetime(2026, 11, 20, 9, tzinfo=UTC)


@pytest.fixture(scope="module")
def inputs() -> EvidenceInputs:
    return insurer_inputs()


def files(inputs: EvidenceInputs) -> dict[str, str]:
    return dict(documents(inputs, AT)) | {f"lineage/{n}": text for n, text in pages(inputs)}


def test_the_same_inputs_give_the_same_bytes_whatever_the_hash_seed_and_the_folder(
    tmp_path: Path,
) -> None:
    program = (
        "import hashlib, sys; from datetime import datetime, UTC;"
        "from tests.activation.evidence.test_documents import files, insurer_inputs;"
        "found = files(insurer_inputs());"
        "print(len(found), hashlib.sha256(repr(sorted(found.items())).encode()).hexdigest())"
    )
    printed = set()
    for seed, folder in (("0", ROOT), ("1", tmp_path), ("4242", Path("/"))):
        done = subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT), "PATH": ""},
            cwd=folder,
            capture_output=True,
            check=True,
            text=True,
        )
        printed.add(done.stdout)
    (one,) = printed
    assert int(one.split()[0]) > 30


def test_a_change_of_any_input_changes_the_revision(inputs: EvidenceInputs) -> None:
    organisation = inputs.organisation.model_copy(update={"controller": "Another plc"})
    others = [
        replace(inputs, organisation=organisation),
        replace(inputs, syncs=inputs.syncs[1:]),
        replace(inputs, contracts=inputs.contracts[1:]),
        replace(inputs, tables={}),
        replace(inputs, graph=PolicyGraph({})),
    ]
    assert len({one.revision for one in [inputs, *others]}) == len(others) + 1


def activity(inputs: EvidenceInputs, purpose: str) -> dict[str, Any]:
    found: dict[str, Any] = next(
        one for one in record_of_processing(inputs)["activities"] if one["purpose"] == purpose
    )
    return found


def test_the_record_answers_what_article_30_asks_per_purpose(inputs: EvidenceInputs) -> None:
    renewal = activity(inputs, "renewal")
    assert [one["node"] for one in renewal["journeys"]] == ["renewal_reminder_day_90"]
    assert renewal["lawful_bases"]["consent"] == ["*", "DE", "FR"]
    assert renewal["subjects"] == ["Customers and prospective customers"]
    assert "user.contact.email" in renewal["categories"]
    assert renewal["special_categories"] == ["user.health_and_medical"]
    assert {one["destination"] for one in renewal["recipients"]} == {
        "outbox",
        "webhook",
        "postgres",
    }
    assert renewal["transfers"] == []
    assert renewal["time_limits_days"]["user.contact.email"] == 730


def test_a_transfer_stands_in_the_record_with_its_safeguard_or_without(
    inputs: EvidenceInputs,
) -> None:
    (sync,) = [one for one in inputs.syncs if one.name == "webhook_actions"]
    bare = SyncSpec.model_validate(sync.model_dump() | {"region": "us"})
    basis = {"mechanism": "scc", "reference": "DPA-7", "expires": date(2027, 1, 1)}
    dated = SyncSpec.model_validate(bare.model_dump() | {"transfer": basis})
    without = activity(replace(inputs, syncs=(bare,)), "renewal")["transfers"]
    under = activity(replace(inputs, syncs=(dated,)), "renewal")["transfers"]
    assert without == [{"sync": "webhook_actions", "region": "us", "safeguard": None}]
    assert under[0]["safeguard"]["reference"] == "DPA-7"
    shown = dict(documents(replace(inputs, syncs=(bare,)), AT))["record_of_processing.md"]
    assert "webhook\\_actions to us: no basis; nothing is sent" in shown


def test_the_framework_has_72_outcomes_in_its_own_numbering() -> None:
    outcomes = load_outcomes()
    counted = Counter(one.split()[0] for one in outcomes)
    assert (len(outcomes), dict(counted)) == (72, FUNCTIONS)
    categories = Counter(one.rsplit(".", 1)[0] for one in outcomes)
    assert categories == {
        **{f"GOVERN {n}": k for n, k in zip(range(1, 7), (7, 3, 2, 3, 2, 2), strict=True)},
        **{f"MAP {n}": k for n, k in zip(range(1, 6), (6, 3, 5, 2, 2), strict=True)},
        **{f"MEASURE {n}": k for n, k in zip(range(1, 5), (3, 13, 3, 3), strict=True)},
        **{f"MANAGE {n}": k for n, k in zip(range(1, 5), (4, 4, 2, 3), strict=True)},
    }
    for category, count in categories.items():
        numbers = [int(one.rsplit(".", 1)[1]) for one in outcomes if one.startswith(f"{category}.")]
        assert numbers == list(range(1, count + 1))
    assert {check.outcome for check in CHECKS} <= set(outcomes)


def outcome(inputs: EvidenceInputs, name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in profile(inputs)["outcomes"] if one["id"] == name)
    return found


def test_an_outcome_that_nothing_proves_is_absent(inputs: EvidenceInputs) -> None:
    content = profile(inputs)
    states = {one["id"]: one["state"] for one in content["outcomes"]}
    assert states["GOVERN 2.2"] == "absent"
    assert states["MEASURE 2.12"] == "absent"
    assert content["counts"]["attested"] == 0
    assert sum(content["counts"].values()) == 72


def test_an_attestation_counts_with_its_file_person_and_date(inputs: EvidenceInputs) -> None:
    given = Attestation(
        outcome="GOVERN 2.2", file="LICENSE", person="Jane Doe", date=date(2026, 11, 1)
    )
    organisation = inputs.organisation.model_copy(update={"attestations": (given,)})
    found = outcome(replace(inputs, organisation=organisation), "GOVERN 2.2")
    assert found["state"] == "attested"
    assert found["attestation"] == {"file": "LICENSE", "person": "Jane Doe", "date": "2026-11-01"}


def test_an_attestation_of_a_document_that_is_not_there_is_refused(inputs: EvidenceInputs) -> None:
    given = Attestation(
        outcome="GOVERN 2.2", file="docs/no.md", person="Jane Doe", date=date(2026, 11, 1)
    )
    organisation = inputs.organisation.model_copy(update={"attestations": (given,)})
    with pytest.raises(SourceError, match=r"GOVERN 2\.2: docs/no\.md does not exist"):
        profile(replace(inputs, organisation=organisation))


def test_an_attestation_does_not_hide_a_check_that_fails(inputs: EvidenceInputs) -> None:
    given = Attestation(
        outcome="MAP 1.6", file="LICENSE", person="Jane Doe", date=date(2026, 11, 1)
    )
    organisation = inputs.organisation.model_copy(update={"attestations": (given,)})
    broken = breaking("MAP 1.6", inputs)
    found = outcome(replace(broken, organisation=organisation), "MAP 1.6")
    assert (found["state"], found["machine_checks"][0]["passed"]) == ("absent", False)


def breaking(name: str, inputs: EvidenceInputs) -> EvidenceInputs:
    """The inputs with something wrong that the check of outcome `name` is for."""
    nodes, graph = inputs.journeys.nodes, inputs.graph

    def with_nodes(**changes: Any) -> EvidenceInputs:
        changed = tuple(one.model_copy(update=changes) for one in nodes)
        return replace(inputs, journeys=replace(inputs.journeys, nodes=changed))

    def with_labels(schema: str, **changes: Any) -> EvidenceInputs:
        relations = {
            key: replace(
                one,
                fields=tuple(
                    replace(field, label=replace(field.label, **changes)) for field in one.fields
                ),
            )
            if one.schema == schema
            else one
            for key, one in graph.relations.items()
        }
        return replace(inputs, graph=PolicyGraph(relations))

    call = nodes[0].action.model_copy(update={"channels": ("phone",), "approval": False})
    away = nodes[0].action.model_copy(update={"destination": "nowhere"})
    log = {key: one for key, one in graph.relations.items() if key[0] != "activation"}
    return {
        "GOVERN 1.1": lambda: with_nodes(purpose="unheard_of"),
        "GOVERN 1.3": lambda: with_labels("contexts", categories=frozenset({"user.biometric"})),
        "GOVERN 1.6": lambda: with_nodes(action=away),
        "GOVERN 1.7": lambda: with_nodes(expires=None),
        "GOVERN 2.1": lambda: replace(inputs, tables={}),
        "GOVERN 6.1": lambda: replace(
            inputs, syncs=tuple(one.model_copy(update={"processor": " "}) for one in inputs.syncs)
        ),
        "MAP 1.1": lambda: with_labels("contexts", purposes=frozenset()),
        "MAP 1.4": lambda: with_nodes(kpis=()),
        "MAP 1.6": lambda: with_labels("landing", categories=frozenset()),
        "MAP 3.3": lambda: replace(
            with_nodes(limits=nodes[0].limits.model_copy(update={"once_per": (), "volume": None})),
            journeys=replace(
                inputs.journeys,
                nodes=tuple(
                    one.model_copy(
                        update={
                            "limits": one.limits.model_copy(update={"once_per": (), "volume": None})
                        }
                    )
                    for one in nodes
                ),
                policies=inputs.journeys.policies.model_copy(update={"caps": ()}),
            ),
        ),
        "MAP 3.5": lambda: with_nodes(action=call, risk_tier="low"),
        "MEASURE 2.1": lambda: with_nodes(examples=()),
        "MEASURE 2.8": lambda: replace(inputs, graph=PolicyGraph(log)),
        "MEASURE 2.9": lambda: with_nodes(explain="Because."),
        "MEASURE 2.10": lambda: with_labels("outbound", residency=frozenset({"us"})),
    }[name]()


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.outcome)
def test_each_check_fails_when_what_it_looks_for_is_missing(
    inputs: EvidenceInputs, check: Any
) -> None:
    assert list(check.faults(breaking(check.outcome, inputs))) != []


def test_the_labels_of_the_sample_are_found_by_the_checks_that_concern_them(
    inputs: EvidenceInputs,
) -> None:
    # the graph of this test says that a product line is health data, as the sample's own does
    assert outcome(inputs, "GOVERN 1.3")["state"] == "machine_checked"
    low = tuple(one.model_copy(update={"risk_tier": RiskTier.LOW}) for one in inputs.journeys.nodes)
    lowered = replace(inputs, journeys=replace(inputs.journeys, nodes=low))
    low_risk = outcome(lowered, "GOVERN 1.3")
    assert low_risk["state"] == "absent"
    assert "renewal_reminder_day_90" in low_risk["machine_checks"][0]["result"]
    assert outcome(inputs, "MAP 1.6")["state"] == "absent"
    assert outcome(inputs, "MAP 1.4")["state"] == "machine_checked"


def test_dpia_inputs_answer_six_criteria_and_leave_three_to_people(inputs: EvidenceInputs) -> None:
    nodes = {one["node"]: one for one in impact_inputs(inputs)["journeys"]}
    renewal = nodes["renewal_reminder_day_90"]
    assert len(renewal["criteria"]) + len(renewal["open"]) == 9
    assert renewal["criteria"]["sensitive data"] == "yes: user.health_and_medical"
    assert renewal["criteria"]["automated decision"].startswith("yes")
    assert nodes["service_recovery_after_negative"]["criteria"]["automated decision"].startswith(
        "no"
    )
    assert renewal["selects_by"] == [
        "contexts.ctx_policy.days_to_renewal",
        "contexts.ctx_policy.status",
    ]
    assert renewal["selected_by_special_categories"] == []
    assert set(nodes) == {node.id for node in inputs.journeys.nodes}


class Outline(HTMLParser):
    """What a reader's software needs of a page: language, headings, anchors, links, scripts."""

    def __init__(self) -> None:
        super().__init__()
        self.language: str | None = None
        self.levels: list[int] = []
        self.anchors: list[str] = []
        self.links: list[str] = []
        self.tags: Counter[str] = Counter()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags[tag] += 1
        if tag == "html":
            self.language = found.get("lang")
        if tag in ("h1", "h2", "h3"):
            self.levels.append(int(tag[1]))
        if "id" in found:
            self.anchors.append(str(found["id"]))
        for name in ("href", "src"):
            if name in found:
                self.links.append(str(found[name]))
        if any(name.startswith("on") for name in found):
            self.tags["script"] += 1
        if tag not in ("meta", "br", "rect", "path"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if tag not in ("rect", "path"):
            assert self.open.pop() == tag


def test_every_page_is_whole_accessible_without_script_and_links_where_something_is(
    inputs: EvidenceInputs,
) -> None:
    found = {name: text for name, text in files(inputs).items() if name.endswith(".html")}
    outlines = {}
    for name, text in found.items():
        outline = Outline()
        outline.feed(text)
        assert (outline.open, outline.language, outline.tags["script"]) == ([], "en", 0), name
        assert outline.levels[0] == 1
        assert outline.levels.count(1) == 1
        assert all(b - a <= 1 for a, b in zip(outline.levels, outline.levels[1:], strict=False))
        assert outline.tags["table"] == outline.tags["caption"]
        assert outline.tags["svg"] == outline.tags["title"] - 1 == outline.tags["desc"]
        assert len(set(outline.anchors)) == len(outline.anchors), name
        outlines[name] = outline
    for name, outline in outlines.items():
        folder = Path(name).parent
        for link in outline.links:
            assert "://" not in link, (name, link)
            page, _, anchor = link.partition("#")
            target = str(folder / page) if page else name
            assert target in found, (name, link)
            assert not anchor or anchor in outlines[target].anchors, (name, link)


def test_text_from_yaml_is_shown_and_never_run(inputs: EvidenceInputs) -> None:
    shown = dict(pages(inputs))["contexts.ctx_policy.html"]
    assert "What &lt;b&gt;it&lt;/b&gt; is" in shown
    assert "<b>" not in shown


def test_a_columns_page_says_where_its_value_comes_from_and_goes_and_what_its_label_is(
    inputs: EvidenceInputs,
) -> None:
    landing = dict(pages(inputs))["landing.everything.html"]
    outbound = dict(pages(inputs))["outbound.out_outbox_actions.html"]
    assert 'href="outbound.out_outbox_actions.html#address"' in landing
    assert 'href="landing.everything.html#address"' in outbound
    assert '<span class="chip">category/user.contact.email</span>' in outbound
    assert "special category" in outbound


def test_the_files_are_written_below_the_folder(inputs: EvidenceInputs, tmp_path: Path) -> None:
    count = write(documents(inputs, AT), tmp_path)
    found = [one for one in tmp_path.rglob("*") if one.is_file()]
    assert len(found) == count
    profile_file = json.loads((tmp_path / "ai_rmf_profile.json").read_text())
    assert profile_file["revision"] == inputs.revision
