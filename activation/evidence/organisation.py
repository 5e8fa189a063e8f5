"""What no label can tell: who the controller is, which measures protect the data, who attested
what. It is stated in `organisation.yml`, by people, and never inferred."""

from datetime import date
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from expectations.located_yaml import read_yaml

ORGANISATION_FILE = Path(__file__).with_name("organisation.yml")

_Text = Annotated[str, Field(min_length=1, max_length=500)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Measure(_Strict):
    """A technical or organisational measure (GDPR Article 32), and where to see that it is so."""

    measure: _Text
    evidence: _Text


class Attestation(_Strict):
    """A person's word that an outcome of the AI RMF is met: who, when, and in which document.

    `file` is a path in this repository, which must exist.
    """

    outcome: Annotated[str, Field(pattern=r"^(GOVERN|MAP|MEASURE|MANAGE) \d\.\d{1,2}$")]
    file: _Text
    person: _Text
    date: date


class Organisation(_Strict):
    """The whole file."""

    controller: _Text
    contact: _Text
    data_protection_officer: _Text
    subjects: dict[_Text, _Text]
    measures: Annotated[tuple[Measure, ...], Field(min_length=1)]
    attestations: tuple[Attestation, ...] = ()


def load_organisation(path: Path = ORGANISATION_FILE) -> Organisation:
    """Read and check the file. Raises SourceError with file, line, field and fix."""
    return read_yaml(path).validate(Organisation)
