"""What the journey models have in common: strictness, percentages, quiet hours."""

from decimal import Decimal
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from activation.journeys.names import Channel, LocalTime

Percent = Annotated[Decimal, Field(ge=0, le=100, max_digits=5, decimal_places=2)]
Salt = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{3,63}$")]


def invalid(message: str, fix: str, location: str = "") -> PydanticCustomError:
    """The error of a check of ours: a message, its fix, and the dotted place within the model."""
    return PydanticCustomError(
        "journey", "{message}", {"message": message, "fix": fix, "location": location}
    )


class Strict(BaseModel):
    """Base of the journey models: unknown keys are errors, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class QuietHours(Strict):
    """Local hours, start to end past midnight, in which the channels stay silent."""

    start: LocalTime
    end: LocalTime
    channels: Annotated[tuple[Channel, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _not_empty(self) -> Self:
        if self.start == self.end:
            raise invalid("start and end are the same time", "give two different times")
        return self
