"""The landing contract: what the dbt source files say an export must hold.

One dbt source table declares one entity. The rules stand in `config.meta.landing`, since dbt keeps
nothing else of a column's config. Policy labels stand beside them and are not read here.
"""

import hashlib
import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

SOURCE_FILES = "*/_*__sources.yml"
LANDING_SCHEMA = "landing"
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_TYPES = re.compile(r"varchar|date|timestamptz|boolean|integer|bigint|decimal\(\d{1,2},\d{1,2}\)")


class ContractError(ValueError):
    """A source file that can't serve as a contract; names file, table, column and the fix."""


class _ColumnRules(BaseModel):
    """`config.meta.landing` of a column."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    required: bool = False
    optional: bool = False
    path: str | None = None
    values: tuple[str, ...] = ()
    minimum: int | float | str | None = None
    maximum: int | float | str | None = None
    no_wildcard_when: dict[str, str] = {}


class _TableRules(BaseModel):
    """`config.meta.landing` of a table."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    entity: str
    key: tuple[str, ...]
    version: str | None = None
    envelope: Literal["cloudevents"] | None = None


@dataclass(frozen=True)
class ColumnContract:
    """One announced column.

    `required`: the column must be there and its value too. `optional`: the column may be absent
    from a file with a header. Neither: the column must be there, its value may be null. `path` is
    the column's name in the file (of an event `data.<field>`).
    """

    name: str
    data_type: str
    path: str
    required: bool
    optional: bool
    values: tuple[str, ...]
    minimum: str | None
    maximum: str | None
    no_wildcard_when: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class EntityContract:
    """One entity of one source system: landing table `landing.<system>_<entity>`."""

    system: str
    entity: str
    columns: tuple[ColumnContract, ...]
    key: tuple[str, ...]
    version: str | None
    envelope: str | None

    @property
    def table(self) -> str:
        """Name of the landing table, without its schema."""
        return f"{self.system}_{self.entity}"

    @property
    def fingerprint(self) -> str:
        """Digest of the rules: a file that failed is tried again only after they changed."""
        canonical = json.dumps(asdict(self), sort_keys=True)
        return hashlib.sha256(canonical.encode()).hexdigest()[:16]


def read_contracts(sources: Path) -> tuple[EntityContract, ...]:
    """Read every `<system>/_<system>__sources.yml` below a directory, ordered by table name.

    Raises ContractError where a file is missing, not YAML, or states a rule that is unknown.
    """
    files = sorted(sources.glob(SOURCE_FILES))
    if not files:
        raise ContractError(f"{sources}: no {SOURCE_FILES} here; point at dbt's staging folder")
    contracts = [contract for file in files for contract in _read_file(file)]
    tables = [contract.table for contract in contracts]
    twice = sorted({table for table in tables if tables.count(table) > 1})
    if twice:
        raise ContractError(f"{sources}: tables declared twice: {', '.join(twice)}; keep one each")
    return tuple(sorted(contracts, key=lambda contract: contract.table))


def read_document(file: Path) -> dict[str, Any]:
    """A source file as it stands. Raises yaml.YAMLError or UnicodeDecodeError."""
    # The parser in C takes a tenth of the time; it is absent from some builds of PyYAML.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    document: dict[str, Any] = yaml.load(file.read_text(encoding="utf-8"), loader)  # noqa: S506
    return document


def _read_file(file: Path) -> list[EntityContract]:
    try:
        sources = read_document(file)["sources"]
        declared = [
            _entity(file, source["name"], table)
            for source in sources
            if source.get("schema") == LANDING_SCHEMA
            for table in source["tables"]
        ]
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ContractError(f"{file}: not YAML in UTF-8; mend its syntax") from error
    except (KeyError, TypeError, AttributeError) as error:
        raise ContractError(
            f"{file}: not a dbt source file ({error!r}); it needs sources, tables and columns"
        ) from error
    return declared


def _entity(file: Path, system: str, table: dict[str, Any]) -> EntityContract:
    where = f"{file}: table {table['name']}"
    try:
        rules = _TableRules.model_validate(_landing_meta(table))
    except ValidationError as error:
        raise ContractError(f"{where}: config.meta.landing: {_first(error)}") from error
    if table["name"] != f"{system}_{rules.entity}":
        raise ContractError(f"{where}: must be named {system}_{rules.entity} (system_entity)")
    columns = tuple(
        _column(where, column) for column in table["columns"] if not column["name"].startswith("_")
    )
    contract = EntityContract(
        system, rules.entity, columns, rules.key, rules.version, rules.envelope
    )
    _check_references(where, contract)
    return contract


def _column(where: str, column: dict[str, Any]) -> ColumnContract:
    name = column["name"]
    try:
        rules = _ColumnRules.model_validate(_landing_meta(column))
    except ValidationError as error:
        raise ContractError(
            f"{where}, column {name}: config.meta.landing: {_first(error)}"
        ) from error
    data_type = str(column.get("data_type", "")).lower().replace(" ", "")
    if not _NAME.fullmatch(name):
        raise ContractError(f"{where}, column {name}: a name is lower case letters, digits and _")
    if not _TYPES.fullmatch(data_type):
        raise ContractError(
            f"{where}, column {name}: data_type {data_type or 'missing'}; "
            "use varchar, date, timestamptz, boolean, integer, bigint or decimal(p,s)"
        )
    if rules.required and rules.optional:
        raise ContractError(f"{where}, column {name}: required and optional exclude each other")
    return ColumnContract(
        name=name,
        data_type=data_type,
        path=rules.path or name,
        required=rules.required,
        optional=rules.optional,
        values=rules.values,
        minimum=None if rules.minimum is None else str(rules.minimum),
        maximum=None if rules.maximum is None else str(rules.maximum),
        no_wildcard_when=tuple(sorted(rules.no_wildcard_when.items())),
    )


def _check_references(where: str, contract: EntityContract) -> None:
    """Every column that a rule names must be announced, and a key is never null."""
    by_name = {column.name: column for column in contract.columns}
    named = {*contract.key, *([contract.version] if contract.version else [])}
    named |= {other for c in contract.columns for other, _ in c.no_wildcard_when}
    unknown = sorted(named - by_name.keys())
    if unknown or not contract.key:
        raise ContractError(
            f"{where}: key, version and no_wildcard_when must name announced columns"
            f"{': ' + ', '.join(unknown) if unknown else ''}"
        )
    loose = [name for name in contract.key if not by_name[name].required]
    if loose:
        raise ContractError(f"{where}: key columns need required: true: {', '.join(loose)}")
    paths = [column.path for column in contract.columns]
    if len(set(paths)) < len(paths) or len(by_name) < len(paths):
        raise ContractError(f"{where}: two columns share a name or a path; rename one")


def _landing_meta(node: dict[str, Any]) -> dict[str, Any]:
    rules = ((node.get("config") or {}).get("meta") or {}).get("landing") or {}
    return dict(rules)


def _first(error: ValidationError) -> str:
    first = error.errors(include_input=False, include_url=False)[0]
    return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
