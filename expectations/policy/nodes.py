"""The manifest's nodes as the checker sees them, and faults of lineage as findings about them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from expectations.policy.definitions import Unproven
from expectations.policy.finding import Code, Finding
from expectations.policy.lineage.faults import DoesNotBind, LineageError, UnsupportedConstruct
from expectations.policy.lineage.manifest import STORES_ITS_QUERY, Manifest
from expectations.policy.location import Locator

Key = tuple[str, str]
Node = Mapping[str, Any]


def meta(node: Node) -> Mapping[str, Any]:
    """A node's, column's or exposure's `config.meta`."""
    found: Mapping[str, Any] = (node.get("config") or {}).get("meta") or node.get("meta") or {}
    return found


def nodes_by_key(manifest: Manifest) -> dict[Key, Node]:
    """Every source, seed, model and snapshot by (schema, table), in lower case."""
    built = ("model", "snapshot", "seed")
    nodes = [
        *manifest["sources"].values(),
        *(one for one in manifest["nodes"].values() if one["resource_type"] in built),
    ]
    return {
        (
            one["schema"].lower(),
            (one.get("alias") or one.get("identifier") or one["name"]).lower(),
        ): one
        for one in nodes
    }


def queries(node: Node, renderings: Sequence[Manifest]) -> list[str]:
    """Every query that may have made the rows of a model: that of a first run, and that of later
    runs in `renderings` where it is another one.

    Raises Unproven when a row may have been made otherwise.
    """
    materialized = node["config"]["materialized"]
    if materialized not in STORES_ITS_QUERY and node["resource_type"] != "snapshot":
        raise Unproven(f"materialisation {materialized} makes rows that its query doesn't select")
    if materialized == "incremental" and not renderings:
        raise Unproven("the query of its later runs is not known")
    later = (one["nodes"].get(node["unique_id"]) or {} for one in renderings)
    texts = (one.get("compiled_code") for one in (node, *later))
    return list(dict.fromkeys(text or "" for text in texts))


def lineage_findings(
    faults: Sequence[LineageError], manifest: Manifest, locator: Locator
) -> Iterator[Finding]:
    """The faults of lineage as findings."""
    nodes = {
        node["original_file_path"]: ".".join(key) for key, node in nodes_by_key(manifest).items()
    }
    for fault in faults:
        code, fix = Code.UNDECLARED, "declare the type, or compile the project"
        if isinstance(fault, DoesNotBind):
            code, fix = Code.DOES_NOT_BIND, "correct the SQL, or the columns that the YAML declares"
        elif isinstance(fault, UnsupportedConstruct):
            code, fix = Code.UNSUPPORTED, "write it in SQL whose lineage can be proven"
        message, _, said = fault.message.partition(". Fix: ")
        yield Finding(
            code, message, said or fix, locator.show(fault.model), 1, nodes.get(fault.model, "")
        )
