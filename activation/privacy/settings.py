"""How long the store and the log keep what they hold, and what must be kept in spite of erasure."""

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from expectations.located_yaml import read_yaml

RETENTION_FILE = Path(__file__).with_name("retention.yml")
_HINT = "see activation/privacy/retention.yml for the form"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Period(_Strict):
    """So many days, and why."""

    days: Annotated[int, Field(gt=0)]
    reason: Annotated[str, Field(min_length=1)]


class Exemption(_Strict):
    """A landing relation whose rows the law obliges to keep, `days` from their event time."""

    relation: Annotated[str, Field(pattern=r"landing\.[a-z0-9_]+")]
    days: Annotated[int, Field(gt=0)]
    obligation: Annotated[str, Field(min_length=1)]


class PrivacySettings(_Strict):
    """retention.yml."""

    decision_log_openings: Period
    sync_records: Period
    consent_proof: Period
    exemptions: tuple[Exemption, ...] = ()


def read_settings(file: Path = RETENTION_FILE) -> PrivacySettings:
    """The settings. Raises SourceError, which names file, line, field and fix."""
    return read_yaml(file).validate(PrivacySettings, _HINT)
