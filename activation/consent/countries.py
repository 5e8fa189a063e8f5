"""What is assumed about a person of whom only the country is known."""

from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
)

from expectations.located_yaml import read_yaml

COUNTRIES_FILE = Path(__file__).with_name("countries.yml")

CountryCode = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]


class Country(BaseModel):
    """One country: IANA time zone, BCP 47 language, region where data may be processed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    timezone: str
    language: Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]+)*$")]
    residency: Literal["uk", "eu", "us", "other"]

    @field_validator("timezone")
    @classmethod
    def _zone_exists(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            fix = "use a name of the IANA time zone database, such as Europe/Dublin"
            raise ValueError(fix) from None
        return name


class Countries(BaseModel):
    """The whole file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    countries: Annotated[dict[CountryCode, Country], Field(min_length=1)]


def load_countries(path: Path = COUNTRIES_FILE) -> list[dict[str, Any]]:
    """Rows of the warehouse table reference.country: country, timezone, language, residency.

    Raises SourceError, which names file, line, field and fix.
    """
    checked = read_yaml(path).validate(Countries)
    return [{"country": code, **row.model_dump()} for code, row in checked.countries.items()]
