"""Labels that sources share, from one file of ours: dbt merges `meta` shallowly, so a default in
`+meta` would be wiped by the first column that says anything."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import BaseModel, ConfigDict

from expectations.located_yaml import read_yaml

DEFAULTS_FILE = Path(__file__).with_name("defaults.yml")
Policy = Mapping[str, Any]

#: What a table may say for all of its columns; the rest of its policy is about the table.
SHARED_KEYS = ("categories", "origin", "residency", "retention_days", "purposes")


class Defaults(BaseModel):
    """Policies by folder below `models/`, by name of the source, and by column name."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    folders: dict[str, dict[str, Any]] = {}
    sources: dict[str, dict[str, Any]] = {}
    columns: dict[str, dict[str, Any]] = {}

    def merged(
        self, path: str, source: str, column: str, table: Policy, own: Policy
    ) -> dict[str, Any]:
        """The policy of a source column: the defaults of its folders (outermost first), of its
        source, of its name, its table's, its own. Its origin is the source unless one is said.

        `path` is that of the YAML file below the project, as the manifest has it.
        """
        result: dict[str, Any] = {}
        folders = PurePosixPath(path).parts[1:-1]
        for depth in range(1, len(folders) + 1):
            result = merge(result, self.folders.get("/".join(folders[:depth]), {}))
        result = merge(result, self.sources.get(source, {}))
        result = merge(result, self.columns.get(column, {}))
        shared = {key: table[key] for key in SHARED_KEYS if key in table}
        result = merge(merge(result, shared), own)
        return {"origin": source, **result} if source else result


def merge(outer: Policy, inner: Policy) -> dict[str, Any]:
    """The deep merge of two mappings: mappings merge, anything else is replaced by the inner."""
    result = dict(outer)
    for key, value in inner.items():
        before = result.get(key)
        if isinstance(before, Mapping) and isinstance(value, Mapping):
            result[key] = merge(before, value)
        else:
            result[key] = value
    return result


@cache
def read_defaults(path: Path = DEFAULTS_FILE) -> Defaults:
    """Read the defaults. Raises SourceError when the file is wrong."""
    return read_yaml(path).validate(Defaults)
