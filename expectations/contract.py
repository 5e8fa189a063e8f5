"""Data contracts as written: one YAML file per gated table, validated before anything runs.

A contract names the gate it closes, the table's key, how old its data may be, how many rows it
must have, and its rules. It is data: the compiler in `suite.py` turns it into a Great Expectations
suite, and no rule needs Python.
"""

from collections.abc import Hashable
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

Gate = Literal["decisions", "syncs"]
Action = Literal["block", "warn"]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
TableName = Annotated[str, Field(pattern=r"^[a-z_]+\.[a-z0-9_]+$")]


class ContractError(ValueError):
    """A contract file is wrong; the message names file, field and what to write instead."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Freshness(_Strict):
    """The newest value of `column` (UTC) is at most `max_age_hours` older than the run's as_of.

    `of` names the table that holds the column, for a table that has no time of its own.
    """

    column: Name
    of: TableName | None = None
    max_age_hours: Annotated[float, Field(gt=0)]
    action: Action = "block"


class Volume(_Strict):
    """Row count: at least `minimum_rows`, and at least a share of the median of earlier runs."""

    minimum_rows: Annotated[int, Field(ge=0)]
    minimum_share_of_history: Annotated[float, Field(ge=0, le=1)] | None = None
    action: Action = "block"


class Rule(_Strict):
    """One rule over the rows of the table.

    `sql` selects the rows that break the rule; `{table}` stands for the table and `{as_of}` for the
    run's time. Every other check is a form that Great Expectations has a name for.
    """

    id: Name
    description: str
    check: Literal["not_null", "unique", "values", "between", "references", "sql"]
    action: Action = "block"
    columns: list[Name] = Field(default_factory=list)
    values: list[str] = Field(default_factory=list)
    minimum: float | None = None
    maximum: float | None = None
    references: Annotated[str, Field(pattern=r"^[a-z_]+\.[a-z_]+\.[a-z_]+$")] | None = None
    sql: str | None = None

    @model_validator(mode="after")
    def _has_what_its_check_needs(self) -> "Rule":
        needs = {
            "not_null": bool(self.columns),
            "unique": bool(self.columns),
            "values": len(self.columns) == 1 and bool(self.values),
            "between": len(self.columns) == 1
            and not (self.minimum is None and self.maximum is None),
            "references": len(self.columns) == 1 and self.references is not None,
            "sql": self.sql is not None and "{table}" in self.sql,
        }
        if not needs[self.check]:
            raise ValueError(f"rule {self.id}: check {self.check} needs {_NEEDS[self.check]}")
        return self


_NEEDS = {
    "not_null": "`columns`",
    "unique": "`columns`",
    "values": "one column in `columns` and `values`",
    "between": "one column in `columns` and `minimum` or `maximum`",
    "references": "one column in `columns` and `references: schema.table.column`",
    "sql": "`sql` with {table} in it, selecting the rows that break the rule",
}


class Contract(_Strict):
    """What must hold for one table before the gate opens. `table` is schema.table."""

    table: TableName
    gate: Gate
    owner: str
    description: str
    key: Annotated[list[Name], Field(min_length=1)]
    freshness: Freshness
    volume: Volume
    rules: list[Rule] = Field(default_factory=list)

    @property
    def schema_name(self) -> str:
        return self.table.split(".")[0]

    @property
    def table_name(self) -> str:
        return self.table.split(".")[1]

    def checks(self) -> list[tuple[str, str, bool]]:
        """Id, meaning and whether it blocks, for its own rules and those that each contract has."""
        hours = f"{self.freshness.max_age_hours:g}"
        return [
            (
                "volume",
                "enough rows, against the minimum and against earlier runs",
                self.volume.action == "block",
            ),
            (
                "freshness",
                f"the newest {self.freshness.column} is at most {hours} hours old",
                self.freshness.action == "block",
            ),
            ("key_unique", f"one row per {', '.join(self.key)}", True),
            ("key_present", f"{', '.join(self.key)}: never null", True),
            *((rule.id, rule.description, rule.action == "block") for rule in self.rules),
        ]

    @model_validator(mode="after")
    def _rule_ids_differ(self) -> "Contract":
        ids = [rule_id for rule_id, _, _ in self.checks()]
        repeated = sorted({one for one in ids if ids.count(one) > 1})
        if repeated:
            raise ValueError(f"rules: the id {repeated[0]} stands twice; rename one")
        return self


def read_contracts(directory: Path) -> tuple[Contract, ...]:
    """Every contract of a directory, by table.

    Raises ContractError when there is none, or when a file does not validate.
    """
    paths = sorted(directory.glob("*.yml"))
    if not paths:
        raise ContractError(f"{directory}: no contract (*.yml) here; a gate with no rules is open")
    return tuple(read_contract(path) for path in paths)


def read_contract(path: Path) -> Contract:
    """One contract file. Raises ContractError naming the file, the field and the fix."""
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_UniqueKeyLoader)  # noqa: S506
        contract = Contract.model_validate(content)
    except yaml.YAMLError as error:
        raise ContractError(f"{path.name}: not valid YAML: {error}") from error
    except ValidationError as error:
        raise ContractError("\n".join(_explain(path, error))) from error
    if path.stem != contract.table:
        raise ContractError(f"{path.name}: holds the contract of {contract.table}; rename the file")
    return contract


def _explain(path: Path, error: ValidationError) -> list[str]:
    return [
        f"{path.name}: {'.'.join(str(part) for part in one['loc']) or 'contract'}: {one['msg']}"
        for one in error.errors(include_input=False, include_url=False)
    ]


class _UniqueKeyLoader(yaml.SafeLoader):
    """Safe YAML in which a key may stand once: PyYAML would keep the last and drop the first."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key} stands twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)
