"""The checker against edits: every one that loosens a label is caught, no harmless one is."""

from collections.abc import Iterator
from copy import deepcopy
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

import pytest

from expectations.policy.defaults import Defaults
from expectations.policy.finding import Code, Finding
from expectations.policy.label import Label
from expectations.policy.location import Locator
from expectations.policy.project import Examined, examine
from expectations.policy.vocabulary import read_vocabulary
from tests.expectations.policy.sample_project import COLUMNS, lineages, manifest

ON = date(2026, 11, 20)
Policy = dict[str, Any]


def examined(labels: dict[str, Policy] | None = None) -> Examined:
    locator = Locator(Path("nowhere"))
    return examine(manifest(labels), lineages(), locator, ON, defaults=Defaults())


@pytest.fixture(scope="module")
def golden() -> dict[str, Policy]:
    """Every column of the model with its inferred label written out."""
    relation = examined().graph.relations["profiles", "person"]
    return {field.column.name: written(field.label) for field in relation.fields}


def written(label: Label) -> Policy:
    return {
        "categories": sorted(label.categories),
        "origin": sorted(label.origin),
        "residency": sorted(label.residency or ()),
        "purposes": sorted(label.purposes or ()),
        "retention_days": label.retention_days,
    }


def loosening(policy: Policy, rng: Random) -> Iterator[tuple[Code, Policy]]:
    """Each way to allow more than the inputs do."""
    vocabulary = read_vocabulary()
    dropped = rng.choice(policy["categories"])
    rest = [one for one in policy["categories"] if one != dropped]
    yield Code.CATEGORIES_LOOSENED, {**policy, "categories": [*rest, "system.operations"]}
    other = rng.choice(["system.operations", "user.device", "user.social"])
    yield Code.CATEGORIES_LOOSENED, {**policy, "categories": [other]}
    days = policy["retention_days"] + rng.choice([1, 30, 3650])
    yield Code.RETENTION_LOOSENED, {**policy, "retention_days": days}
    for key, code, known in (
        ("residency", Code.RESIDENCY_LOOSENED, vocabulary.regions),
        ("purposes", Code.PURPOSES_LOOSENED, vocabulary.purposes),
    ):
        added = rng.choice(sorted(known - set(policy[key])))
        yield code, {**policy, key: [*policy[key], added]}
    yield Code.ORIGIN_LOOSENED, {**policy, "origin": ["policy"]}


def hash_of(policy: Policy, **changes: Any) -> Policy:
    declared = {
        "method": "keyed_hash",
        "from": policy["categories"],
        "reason": "a match key",
        "approved_by": "dpo@assent.example",
        "ticket": "PRIV-1",
        "expires": "2027-01-01",
    } | changes
    return {
        "categories": ["user.unique_id.pseudonymous"],
        "declassify": {key: value for key, value in declared.items() if value is not None},
    }


def weakened(policy: Policy, rng: Random) -> Iterator[tuple[Code, Policy]]:
    """Each way to declare a declassify that does not hold."""
    yield Code.DECLASSIFY_UNPROVEN, hash_of(policy)
    yield Code.DECLASSIFY_UNPROVEN, hash_of(policy, method=rng.choice(["generalise", "drop"]))
    yield Code.DECLASSIFY_EXPIRED, hash_of(policy, expires=rng.choice(["2026-11-20", "2020-01-01"]))
    part = rng.choice(["method", "reason", "approved_by", "ticket", "expires"])
    yield Code.DECLASSIFY_INCOMPLETE, hash_of(policy, **{part: rng.choice([None, ""])})
    yield Code.DECLASSIFY_INCOMPLETE, hash_of(policy, **{"from": []})
    yield Code.UNKNOWN_KEY, hash_of(policy, method="keyed_hsh")


def harmless(policy: Policy, rng: Random) -> Iterator[Policy]:
    """Each way to say the same, or to allow less."""
    yield {key: policy[key] for key in rng.sample(sorted(policy), len(policy))}
    yield {
        key: rng.sample(value, len(value)) if isinstance(value, list) else value
        for key, value in policy.items()
    }
    left_out = rng.choice(sorted(policy))
    yield {key: value for key, value in policy.items() if key != left_out}
    yield {**policy, "retention_days": rng.randint(1, policy["retention_days"])}
    yield {**policy, "categories": [*policy["categories"], "user.financial"]}
    yield {**policy, "purposes": policy["purposes"][:1]}
    yield {**policy, "residency": policy["residency"][:1]}
    yield {"categories": [one.rpartition(".")[0] or one for one in policy["categories"]]}


def about(found: Examined, column: str) -> list[Finding]:
    return [one for one in found.findings if one.column == column]


def judge(golden: dict[str, Policy], rounds: int) -> tuple[int, int, list[str]]:
    rng, caught, benign, wrong = Random(7), 0, 0, []
    for _ in range(rounds):
        column = rng.choice(sorted(COLUMNS))
        policy = golden[column]
        for code, edited in [*loosening(policy, rng), *weakened(policy, rng)]:
            found = examined({**deepcopy(golden), column: edited})
            caught += 1
            if code not in {one.code for one in about(found, column)}:
                wrong.append(f"missed {code} {column} {edited}")
            if any(one.column != column for one in found.findings):
                wrong.append(f"another column is blamed for {column} {edited}")
        for edited in harmless(policy, rng):
            found = examined({**deepcopy(golden), column: edited})
            benign += 1
            wrong += [f"false alarm {one}" for one in found.findings]
    return caught, benign, wrong


def test_a_fully_declared_project_has_no_finding(golden: dict[str, Policy]) -> None:
    assert examined(golden).findings == ()


def test_loosening_edits_are_caught_and_harmless_ones_are_not(golden: dict[str, Policy]) -> None:
    caught, benign, wrong = judge(golden, rounds=8)
    assert wrong == []
    assert caught >= 90
    assert benign >= 60


@pytest.mark.slow
def test_a_thousand_loosening_edits_and_two_hundred_harmless_ones(
    golden: dict[str, Policy],
) -> None:
    caught, benign, wrong = judge(golden, rounds=100)
    assert wrong == []
    assert caught >= 1000
    assert benign >= 200
