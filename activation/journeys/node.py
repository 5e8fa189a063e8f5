"""One journey node, as its YAML file states it."""

import re
import string
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, PrivateAttr, model_validator

from activation.journeys.condition import Condition, ConditionError, parse_condition
from activation.journeys.example import Example
from activation.journeys.fields import FieldType, accepts_value
from activation.journeys.names import Assurance, Channel, Identifier, Residency, Sentence
from activation.journeys.strict import Percent, QuietHours, Salt, Strict, invalid


class Kind(StrEnum):
    """What a node decides: to act on a person, or to count them in an audience."""

    ACTION = "action"
    AUDIENCE = "audience"


class RiskTier(StrEnum):
    """Harm that a wrong decision may do; a high tier needs a person's approval."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class Action(Strict):
    """What is done, and through which channel: the first one that is reachable and permitted."""

    name: Identifier
    channels: Annotated[tuple[Channel, ...], Field(min_length=1, max_length=5)]
    template: Identifier
    payload: tuple[Identifier, ...] = Field(
        default=(), description="Fields that the message may show; a subset of `fields`."
    )
    destination: Identifier
    valid_hours: Annotated[int, Field(ge=1, le=8_760)] = Field(
        default=72, description="Hours after the decision in which it may still be carried out."
    )
    approval: bool = Field(default=False, description="Hold until a person approves.")


class Cooldown(Strict):
    """Days that must pass before the same node acts again on the same person and subject."""

    days: Annotated[int, Field(ge=1, le=3_650)]


class Volume(Strict):
    """The most acts of the node in a number of days, over all persons."""

    maximum: Annotated[int, Field(ge=0, le=1_000_000_000)]
    days: Annotated[int, Field(ge=1, le=366)] = 1


class Limits(Strict):
    """How often the node may act."""

    once_per: tuple[Identifier, ...] = Field(
        default=(), description="`subject`, and date fields that start a new count."
    )
    cooldown: Cooldown | None = None
    volume: Volume | None = None


class Experiment(Strict):
    """The node's own holdout: a fixed share of persons on whom it never acts."""

    id: Identifier
    salt: Salt
    holdout_percent: Percent


class Kpi(Strict):
    """What the node is for: an outcome within a window, and what one is worth."""

    name: Identifier
    window_days: Annotated[int, Field(ge=1, le=366)]
    value: Annotated[Decimal, Field(ge=0, max_digits=12, decimal_places=2)]
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "GBP"


class Node(Strict):
    """One node of a journey: who is a candidate, what is done, and within which limits."""

    id: Identifier
    journey: Identifier
    kind: Kind = Kind.ACTION
    owner: Sentence
    description: Sentence
    risk_tier: RiskTier
    purpose: Identifier
    context: Annotated[str, Field(pattern=r"^ctx_[a-z0-9_]{1,58}$")]
    subject: Identifier
    fields: Annotated[dict[Identifier, FieldType], Field(min_length=1, max_length=60)]
    when: Annotated[str, Field(min_length=1)]
    minimum_assurance: Assurance
    context_max_age_hours: Annotated[int, Field(ge=1, le=8_760)]
    residency: Annotated[tuple[Residency, ...], Field(min_length=1)] = tuple(Residency)
    action: Action
    priority: Annotated[int, Field(ge=1, le=1_000)] = Field(
        description="1 goes first when nodes compete for one person."
    )
    limits: Limits = Limits()
    quiet_hours: QuietHours | None = Field(
        default=None, description="Instead of the quiet hours of policies.yml."
    )
    exclusion_group: Identifier | None = None
    experiment: Experiment | None = None
    kpis: tuple[Kpi, ...] = ()
    explain: Sentence
    expires: date | None = Field(default=None, description="First UTC day without the node.")
    halted: bool = False
    examples: Annotated[tuple[Example, ...], Field(min_length=1, max_length=50)]

    _condition: Condition = PrivateAttr()

    @property
    def condition(self) -> Condition:
        """The checked form of `when`."""
        return self._condition

    @property
    def needs_approval(self) -> bool:
        """Whether a person must approve each act."""
        return self.action.approval or self.risk_tier is RiskTier.HIGH

    @model_validator(mode="after")
    def _check(self) -> Self:
        self._check_fields()
        self._check_limits()
        try:
            self._condition = parse_condition(self.when, self.fields)
        except ConditionError as error:
            raise invalid(error.message, error.fix, "when") from error
        for position, example in enumerate(self.examples):
            self._check_example(position, example)
        return self

    def _check_fields(self) -> None:
        reserved = {"person_id", "subject_id", "assurance", "source_at"} & set(self.fields)
        if reserved:
            raise invalid("a key of the context is not a field", "remove it", "fields")
        unknown = set(self.action.payload) - set(self.fields)
        if unknown:
            raise invalid(
                "the payload names a field that is not in fields", "add it", "action.payload"
            )
        if len(set(self.action.channels)) != len(self.action.channels):
            raise invalid("a channel stands twice", "name each once", "action.channels")
        placeholders = {name for _, name, _, _ in string.Formatter().parse(self.explain) if name}
        if not placeholders <= set(self.fields) or re.search(r"\{[^}]*[.\[!:]", self.explain):
            raise invalid(
                "the sentence names something that is not a field",
                "use {field} with a field of the journey",
                "explain",
            )

    def _check_limits(self) -> None:
        dates = {name for name, kind in self.fields.items() if kind is FieldType.DATE}
        once = self.limits.once_per
        if once and (once[0] != "subject" or not set(once[1:]) <= dates):
            raise invalid(
                "once_per is not `subject` followed by date fields",
                "write [subject] or [subject, a_date_field]",
                "limits.once_per",
            )
        if self.kind is Kind.AUDIENCE and (once or self.limits.cooldown or self.exclusion_group):
            raise invalid(
                "an audience has members while the condition holds, so these limits mean nothing",
                "remove once_per, cooldown and exclusion_group",
                "limits",
            )

    def _check_example(self, position: int, example: Example) -> None:
        missing = self._condition.fields - set(example.given)
        if missing or not set(example.given) <= set(self.fields):
            raise invalid(
                "the example does not give exactly fields of the journey",
                "give each field that `when` reads, and no other name",
                f"examples.{position}.given",
            )
        for name, value in example.given.items():
            if not accepts_value(self.fields[name], value):
                raise invalid(
                    f"the value is not of type {self.fields[name]}",
                    "give a value of the field's type",
                    f"examples.{position}.given.{name}",
                )
