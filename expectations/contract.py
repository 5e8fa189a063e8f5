"""Data contracts as written: one YAML file per gated table, validated before anything runs.

A contract names the gate it closes, the table's key, how old its data may be, how many rows it
must have, and its rules. It is data: the compiler in `suite.py` turns it into a Great Expectations
suite, and no rule needs Python.
"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from expectations.located_yaml import SourceError, read_yaml

Gate = Literal["decisions", "syncs"]
Action = Literal["block", "warn"]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
TableName = Annotated[str, Field(pattern=r"^[a-z_]+\.[a-z0-9_]+$")]


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

    Raises SourceError when there is none, or when a file does not validate.
    """
    paths = sorted(directory.glob("*.yml"))
    if not paths:
        raise SourceError(
            directory.name,
            None,
            "",
            "no contract (*.yml) here, and a gate with no rules is open",
            "point to the folder of the contracts",
        )
    return tuple(read_contract(path) for path in paths)


def read_contract(path: Path) -> Contract:
    """One contract file. Raises SourceError naming the file, the line, the field and the fix."""
    source = read_yaml(path)
    contract = source.validate(Contract)
    if path.stem != contract.table:
        raise source.error(
            ("table",), "the file has another name", f"rename the file to {contract.table}.yml"
        )
    return contract
