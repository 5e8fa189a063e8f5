"""What a sync is: an outbound relation, where it goes, and under which terms."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from expectations.policy.egress import EgressTerms, SpecialCategoryException, TransferBasis

_Share = Annotated[float, Field(ge=0, le=1)]


class SyncError(Exception):
    """A sync can't be declared or run as asked. The text holds no value of any row."""


class GuardSettings(BaseModel):
    """How much one run may change at the destination before a person has to look."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    max_rows: Annotated[int, Field(gt=0)] | None = None
    max_delete_share: _Share = 0.5
    delete_floor: Annotated[int, Field(ge=0)] = 20
    """So many removals are never held back, whatever their share."""


class SyncSpec(BaseModel):
    """One sync, as `config.meta.sync` of a dbt exposure declares it.

    `mode` append delivers each decision once; mirror keeps the destination equal to the relation.
    Only `fields` leave. `purpose` lists the purposes that rows may have been selected for; rows
    without a purpose column are held to all of them. `transfer` is the dated basis on which fields
    may leave the regions of their labels, `denied_categories` what the destination may never
    receive, `special_categories` the reviewed exceptions for special categories of data.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    name: str
    relation: str
    destination: str
    connector: Literal["files", "webhook", "postgres"]
    region: str
    processor: str
    purpose: Annotated[tuple[str, ...], Field(min_length=1)]
    object: str
    mode: Literal["append", "mirror"]
    key: Annotated[tuple[str, ...], Field(min_length=1)]
    fields: Annotated[tuple[str, ...], Field(min_length=1)]
    enabled_by_default: bool = False
    guards: GuardSettings = GuardSettings()
    transfer: TransferBasis | None = None
    denied_categories: tuple[str, ...] = ()
    special_categories: tuple[SpecialCategoryException, ...] = ()

    @property
    def terms(self) -> EgressTerms:
        """What the labels of the fields are held against."""
        return EgressTerms(
            region=self.region,
            purpose=self.purpose,
            fields=self.fields,
            transfer=self.transfer,
            denied_categories=self.denied_categories,
            special_categories=self.special_categories,
        )

    @property
    def target(self) -> str:
        """`<destination>/<object>`: under this name the store keeps what was sent."""
        return f"{self.destination}/{self.object}"

    @model_validator(mode="after")
    def _key_is_sent(self) -> "SyncSpec":
        if missing := set(self.key) - set(self.fields):
            raise ValueError(f"key: {', '.join(sorted(missing))} must be listed under fields too")
        if len(set(self.fields)) != len(self.fields):
            raise ValueError("fields: a field is listed twice")
        if self.mode == "append" and self.key != ("decision_id",):
            raise ValueError("key: must be [decision_id] in mode append")
        return self

    @classmethod
    def from_meta(cls, name: str, relation: str, meta: Mapping[str, Any]) -> "SyncSpec":
        """The sync that the exposure `name` over `relation` declares.

        Raises SyncError naming the exposure, the field and the fix.
        """
        try:
            return cls.model_validate({**meta, "name": name, "relation": relation})
        except ValidationError as error:
            problems = "; ".join(
                f"{'.'.join(map(str, problem['loc'])) or 'sync'}: {problem['msg']}"
                for problem in error.errors(
                    include_input=False, include_context=False, include_url=False
                )
            )
            raise SyncError(f"exposure {name}, config.meta.sync: {problems}") from None


def check_targets(specs: Iterable[SyncSpec]) -> None:
    """Raise SyncError if two syncs keep the same object: each would undo the other's rows."""
    seen: dict[str, str] = {}
    for spec in specs:
        if spec.target in seen:
            raise SyncError(
                f"exposures {seen[spec.target]} and {spec.name} both write {spec.target}: give "
                "each its own object"
            )
        seen[spec.target] = spec.name
