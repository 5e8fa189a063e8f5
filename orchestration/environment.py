"""The one module that reads the environment: where a run keeps its state, which secrets it has.

Nothing else calls `os.environ`, so that a test can hand in a mapping and a reader can see in one
place what a deployment may set.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

PROJECT_ROOT = Path(__file__).resolve().parent.parent
DBT_PROJECT_DIR = PROJECT_ROOT / "dbt_project"
ACTIVATION_DIR = PROJECT_ROOT / "activation"
CONTRACTS_DIR = PROJECT_ROOT / "expectations" / "contracts"

HOME_VARIABLE = "ASSENT_HOME"
LANDING_VARIABLE = "ASSENT_LANDING"
STORE_VARIABLE = "ASSENT_STORE_URL"
DESTINATIONS_VARIABLE = "ASSENT_DESTINATIONS"
KEYS_VARIABLE = "ASSENT_KEYS"
COPIES_VARIABLE = "ASSENT_CHECKPOINT_COPIES"
INPUTS_VARIABLE = "ASSENT_RECORD_INPUTS"
ACTOR_VARIABLE = "ASSENT_ACTOR"
REGION_VARIABLE = "ASSENT_REGION"
DEFAULT_REGION = "uk"


class SettingError(ValueError):
    """An environment variable has a value that means nothing here."""


class RecordInputs(StrEnum):
    """Of whom the inputs of decisions are kept: nobody, who was a candidate, everybody."""

    NONE = "none"
    CANDIDATES = "candidates"
    POPULATION = "population"


@dataclass(frozen=True)
class Home:
    """The directory that holds all the state of one deployment; every path in it is named here.

    `store_url` is the operational store: SQLite inside the home unless ASSENT_STORE_URL names a
    PostgreSQL. `keys` holds the private keys; `checkpoint_copies` is the second place for the log's
    signed heads, best on another machine; `record_inputs` says of whom the inputs of decisions are
    kept for replay.
    """

    path: Path
    landing: Path
    store_url: str
    destinations: Path
    keys: Path
    checkpoint_copies: Path
    record_inputs: RecordInputs

    @property
    def warehouse(self) -> Path:
        return self.path / "warehouse.duckdb"

    @property
    def decision_log(self) -> Path:
        return self.path / "decision_log"

    @property
    def read_copy(self) -> Path:
        return self.path / "read_copy"

    @property
    def outbox(self) -> Path:
        return self.path / "outbox"

    @property
    def releases(self) -> Path:
        return self.path / "releases"

    @property
    def dbt(self) -> Path:
        return self.path / "dbt"

    @property
    def policy_pages(self) -> Path:
        """Column lineage and labels as pages, as the last run wrote them."""
        return self.path / "policy" / "lineage"

    @property
    def identity_drawing(self) -> Path:
        """A person of the last run, drawn without their numbers."""
        return self.path / "identity" / "person.svg"

    @property
    def dagster(self) -> Path:
        return self.path / "dagster"


def environment() -> Mapping[str, str]:
    """The process environment, for the few places that look up a named secret in it."""
    return os.environ


def actor() -> str:
    """Who the commands act for: ASSENT_ACTOR, or nobody."""
    return os.environ.get(ACTOR_VARIABLE, "")


def home(
    path: Path | None = None,
    landing: Path | None = None,
    variables: Mapping[str, str] | None = None,
) -> Home:
    """The home: an explicit path first, then ASSENT_HOME, then `var/` in the working directory."""
    variables = os.environ if variables is None else variables
    root = (path or Path(variables.get(HOME_VARIABLE) or "var")).expanduser().resolve()
    landing_dir = landing or Path(variables.get(LANDING_VARIABLE) or root / "landing")
    return Home(
        path=root,
        landing=landing_dir.expanduser().resolve(),
        store_url=variables.get(STORE_VARIABLE) or f"sqlite:///{root / 'assent.sqlite'}",
        destinations=Path(variables.get(DESTINATIONS_VARIABLE) or root / "destinations.yml"),
        keys=_place(variables, KEYS_VARIABLE, root / "keys"),
        checkpoint_copies=_place(variables, COPIES_VARIABLE, root / "checkpoint_copies"),
        record_inputs=_record_inputs(variables.get(INPUTS_VARIABLE)),
    )


def _place(variables: Mapping[str, str], name: str, usual: Path) -> Path:
    return Path(variables.get(name) or usual).expanduser().resolve()


def _record_inputs(value: str | None) -> RecordInputs:
    try:
        return RecordInputs(value or RecordInputs.CANDIDATES)
    except ValueError:
        known = ", ".join(RecordInputs)
        raise SettingError(f"{INPUTS_VARIABLE}: {value} is none of {known}; set one") from None


def processing_region(variables: Mapping[str, str] | None = None) -> str:
    """Where this deployment processes data, as policy labels name regions: ASSENT_REGION, or the
    sample brand's own. A context bundle holds no column that may not be processed there."""
    variables = os.environ if variables is None else variables
    return variables.get(REGION_VARIABLE) or DEFAULT_REGION


def export(name: str, value: str) -> None:
    """Set a variable for what can be told in no other way (dbt's profile, Dagster's home)."""
    os.environ[name] = value
