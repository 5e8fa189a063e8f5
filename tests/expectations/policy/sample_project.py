"""A small project as a manifest: landing, staging, a context and what leaves; each part mutable."""

from copy import deepcopy
from typing import Any

from expectations.policy.lineage.edges import Column, OutputColumn, RelationLineage

ROOT: dict[str, dict[str, Any]] = {
    "id": {"categories": ["user.unique_id"]},
    "email": {"categories": ["user.contact.email"]},
    "name": {"categories": ["user.name.first"], "purposes": ["renewal", "marketing"]},
    "diagnosis": {"categories": ["user.health_and_medical"], "retention_days": 30},
    "born": {"categories": ["user.demographic.date_of_birth"], "residency": ["uk"]},
}
SHARED = {
    "residency": ["eu", "uk"],
    "retention_days": 365,
    "purposes": ["renewal", "marketing", "onboarding"],
}
#: model column -> the root columns that it is computed from
COLUMNS = {
    "id": ["id"],
    "email": ["email"],
    "name": ["name"],
    "name_and_email": ["name", "email"],
    "diagnosis": ["diagnosis"],
    "born": ["born"],
    "everything": ["id", "email", "name", "diagnosis", "born"],
}


def manifest(labels: dict[str, dict[str, Any]] | None = None) -> dict[str, Any]:
    """One source and one model; `labels` are the policies of the model's columns."""
    labels = labels or {}
    policy = {"subject": "customer", "subject_key": "id", "event_time": "id", **SHARED}
    source = {
        "unique_id": "source.p.crm.person",
        "resource_type": "source",
        "source_name": "crm",
        "database": "w",
        "schema": "landing",
        "name": "person",
        "identifier": "person",
        "original_file_path": "models/sources.yml",
        "config": {"meta": {"policy": policy}},
        "columns": {name: column(name, policy) for name, policy in deepcopy(ROOT).items()},
    }
    model = {
        "unique_id": "model.p.person",
        "resource_type": "model",
        "database": "w",
        "schema": "profiles",
        "name": "person",
        "alias": "person",
        "original_file_path": "models/person.sql",
        "config": {"materialized": "table"},
        "compiled_code": "select "
        + ", ".join(f"concat({', '.join(of)}) as {name}" for name, of in COLUMNS.items())
        + " from person",
        "columns": {name: column(name, labels.get(name)) for name in COLUMNS},
    }
    return {"sources": {"s": source}, "nodes": {"m": model}, "exposures": {}}


def column(name: str, policy: dict[str, Any] | None) -> dict[str, Any]:
    meta = {} if policy is None else {"policy": policy}
    return {"name": name, "data_type": "varchar", "config": {"meta": meta}}


def lineages() -> dict[tuple[str, str], RelationLineage]:
    at = ("landing", "person")
    columns = tuple(
        OutputColumn(
            name, "VARCHAR", frozenset(Column(*at, one) for one in of), frozenset(), frozenset()
        )
        for name, of in COLUMNS.items()
    )
    return {("profiles", "person"): RelationLineage(columns, frozenset(), frozenset({at}))}
