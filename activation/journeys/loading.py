"""Load a folder of journeys: each node file, and policies.yml."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from activation.journeys.node import Node
from activation.journeys.policies import Policies
from expectations.located_yaml import LocatedYaml, read_yaml

POLICIES_FILE = "policies.yml"
_HINT = "see journey.schema.json"


@dataclass(frozen=True)
class JourneySet:
    """The nodes, ordered by priority and id, and the policies that hold across them."""

    nodes: tuple[Node, ...]
    policies: Policies

    def __repr__(self) -> str:
        return f"JourneySet({', '.join(node.id for node in self.nodes)})"

    def node(self, node_id: str) -> Node:
        """The node of that id. Raises KeyError when there is none."""
        for node in self.nodes:
            if node.id == node_id:
                return node
        raise KeyError(node_id)


def load(directory: Path) -> JourneySet:
    """Read and check every *.yml of the folder.

    Raises SourceError with file, line, field and fix; FileNotFoundError when the folder holds no
    node or no policies.yml.
    """
    paths = sorted(directory.glob("*.yml"))
    sources = {path.name: read_yaml(path) for path in paths}
    if POLICIES_FILE not in sources or len(sources) == 1:
        raise FileNotFoundError(
            f"{directory.name}: needs {POLICIES_FILE} and at least one journey node. "
            "Fix: point to the folder of the journeys."
        )
    policies_source = sources.pop(POLICIES_FILE)
    policies = policies_source.validate(Policies, _HINT)
    nodes = [(source, source.validate(Node, _HINT)) for source in sources.values()]
    _check_names(nodes, policies, policies_source)
    ordered = sorted((node for _, node in nodes), key=lambda node: (node.priority, node.id))
    return JourneySet(tuple(ordered), policies)


def _check_names(
    nodes: Iterable[tuple[LocatedYaml, Node]], policies: Policies, policies_source: LocatedYaml
) -> None:
    groups = {group.id for group in policies.exclusion_groups}
    _check_unique(policies_source, "caps", [cap.id for cap in policies.caps])
    _check_unique(
        policies_source, "exclusion_groups", [group.id for group in policies.exclusion_groups]
    )
    seen: set[str] = set()
    for source, node in nodes:
        if source.file != f"{node.id}.yml":
            raise source.error(("id",), "the file has another name", "name the file after the id")
        if node.id in seen:
            raise source.error(("id",), "two files have this id", "give each its own")
        seen.add(node.id)
        if node.exclusion_group is not None and node.exclusion_group not in groups:
            raise source.error(
                ("exclusion_group",), "no such group", f"declare it in {POLICIES_FILE}"
            )
    for position, cap in enumerate(policies.caps):
        if not set(cap.nodes) <= seen:
            raise policies_source.error(
                ("caps", position, "nodes"), "no such node", "name nodes of this folder"
            )


def _check_unique(source: LocatedYaml, field: str, ids: list[str]) -> None:
    for position, name in enumerate(ids):
        if name in ids[:position]:
            raise source.error((field, position, "id"), "the id stands twice", "rename one")
