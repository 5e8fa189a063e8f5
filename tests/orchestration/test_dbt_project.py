"""Rules of the dbt project over its manifest. Each has an example of what breaks it, the reason to
object, and the remedy; a failure shows all three with the places."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from expectations.policy.defaults import read_defaults
from orchestration.environment import DBT_PROJECT_DIR

Manifest = dict[str, Any]
Check = Callable[[Manifest], Iterator[str]]

LABEL = {"categories", "residency", "retention_days", "purposes"}
# The ledger takes consent from landing itself; identity and consent read the rest through staging.
READS_LANDING = {"staging"}
NOT_REPRODUCIBLE = re.compile(
    r"\b(now|today|random|uuid|gen_random_uuid|get_current_timestamp|nextval)\s*\("
    r"|\bcurrent_(date|time|timestamp)\b|\blocaltime(stamp)?\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Rule:
    """What breaks the rule, why that is objected to, what to do, and how it is found."""

    example: str
    reason: str
    remedy: str
    broken: Check


def models(manifest: Manifest) -> Iterator[dict[str, Any]]:
    return (one for one in manifest["nodes"].values() if one["resource_type"] == "model")


def folder(model: dict[str, Any]) -> str:
    return str(model["fqn"][1])


def meta(node: dict[str, Any]) -> dict[str, Any]:
    return dict((node.get("config") or {}).get("meta") or {})


def reading_landing(manifest: Manifest) -> Iterator[str]:
    for model in models(manifest):
        for parent in model["depends_on"]["nodes"]:
            source = manifest["sources"].get(parent)
            if source and source["schema"] == "landing" and folder(model) not in READS_LANDING:
                yield f"{model['original_file_path']} reads {source['name']}"


def without_grain(manifest: Manifest) -> Iterator[str]:
    for model in models(manifest):
        if not model["raw_code"].startswith("-- grain: "):
            yield model["original_file_path"]


def without_yaml_of_its_name(manifest: Manifest) -> Iterator[str]:
    for model in models(manifest):
        beside = Path(model["original_file_path"]).with_suffix(".yml").as_posix()
        if str(model["patch_path"]).rpartition("://")[2] != beside:
            yield f"{model['original_file_path']}: described in {model['patch_path']}"


def undescribed(manifest: Manifest) -> Iterator[str]:
    for node in [*models(manifest), *manifest["sources"].values()]:
        if not node["description"].strip():
            yield node["unique_id"]
        for name, column in node["columns"].items():
            if not (column["description"].strip() and column["data_type"]):
                yield f"{node['unique_id']}.{name}"


def without_contract(manifest: Manifest) -> Iterator[str]:
    for model in models(manifest):
        if (
            folder(model) in ("contexts", "outbound")
            and not model["config"]["contract"]["enforced"]
        ):
            yield model["original_file_path"]


def with_other_fields(manifest: Manifest) -> Iterator[str]:
    for exposure in manifest["exposures"].values():
        (model,) = exposure["depends_on"]["nodes"]
        fields = meta(exposure)["sync"]["fields"]
        columns = list(manifest["nodes"][model]["columns"])
        if fields != columns:
            yield f"{exposure['name']}: {sorted(set(fields) ^ set(columns))} or their order"


def not_reproducible(manifest: Manifest) -> Iterator[str]:
    for path in sorted((DBT_PROJECT_DIR / "models").rglob("*.sql")) + sorted(
        (DBT_PROJECT_DIR / "macros").rglob("*.sql")
    ):
        code = re.sub(r"--.*|\{#.*?#\}", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
        for found in NOT_REPRODUCIBLE.finditer(code):
            yield f"{path.relative_to(DBT_PROJECT_DIR)}: {found[0]}"


def without_label(manifest: Manifest) -> Iterator[str]:
    for source in manifest["sources"].values():
        if source["schema"] != "landing" or source["name"] in ("load_audit", "quarantine"):
            continue
        if not {"subject", "subject_key"} <= (meta(source).get("policy") or {}).keys():
            yield f"{source['unique_id']}: the table"
        for name, column in source["columns"].items():
            declared = read_defaults().merged(
                source["original_file_path"],
                source["source_name"],
                name,
                meta(source).get("policy") or {},
                meta(column).get("policy") or {},
            )
            if not declared.keys() >= LABEL:
                yield f"{source['unique_id']}.{name}"


def in_another_schema(manifest: Manifest) -> Iterator[str]:
    for model in models(manifest):
        if model["schema"] != folder(model):
            yield f"{model['original_file_path']}: schema {model['schema']}"


RULES = {
    "only_staging_reads_landing": Rule(
        example="select * from {{ source('crm', 'crm_contacts') }} in models/identity",
        reason="landing holds every version of a row; only staging picks the current one",
        remedy="read the staging model with ref(), or add one",
        broken=reading_landing,
    ),
    "a_model_begins_with_its_grain": Rule(
        example="a file that begins with `with contacts as (`",
        reason="a join against an unknown grain multiplies rows",
        remedy="make the first line `-- grain: one row per ...`",
        broken=without_grain,
    ),
    "a_model_has_a_yaml_of_its_own_name": Rule(
        example="id_links.sql described in identity.yml",
        reason="whoever changes the one must see the other beside it",
        remedy="move the description to <model>.yml in the same folder",
        broken=without_yaml_of_its_name,
    ),
    "everything_is_described_and_typed": Rule(
        example="a column with a name alone",
        reason="the catalogue, the column tags and the contracts are made from it",
        remedy="add description and data_type",
        broken=undescribed,
    ),
    "contexts_and_outbound_have_contracts": Rule(
        example="config: {contract: {enforced: false}} in models/outbound",
        reason="what is decided on or leaves may not change its form unnoticed",
        remedy="leave the folder's contract as it is and declare every column",
        broken=without_contract,
    ),
    "an_exposure_lists_exactly_its_models_columns": Rule(
        example="a column in out_outbox_actions that outbox_actions does not list",
        reason="a field that nobody allowed would stand ready to leave",
        remedy="make config.meta.sync.fields and the model's columns equal",
        broken=with_other_fields,
    ),
    "no_model_asks_the_clock_or_a_die": Rule(
        example="where renews_on > current_date",
        reason="the same run would not give the same rows again",
        remedy="use as_of(), and a hash where something has to be drawn",
        broken=not_reproducible,
    ),
    "every_landing_column_has_a_policy_label": Rule(
        example="a new column without config.meta.policy",
        reason="nobody could say for what it may be used, where and how long",
        remedy="add categories, residency, retention_days and purposes",
        broken=without_label,
    ),
    "the_schema_is_the_folder": Rule(
        example="config: {schema: marts} on a model in models/profiles",
        reason="asset keys, groups and interfaces are made from the schema",
        remedy="move the file or take the setting away",
        broken=in_another_schema,
    ),
}


@pytest.mark.parametrize("name", RULES)
def test_the_project_keeps_the_rule(manifest: Manifest, name: str) -> None:
    rule = RULES[name]
    places = list(rule.broken(manifest))
    assert not places, "\n".join(
        [
            f"{name}: broken at {len(places)} places",
            *places,
            f"for example: {rule.example}",
            f"reason: {rule.reason}",
            f"remedy: {rule.remedy}",
        ]
    )
