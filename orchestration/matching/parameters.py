"""What was trained: how often true pairs (m) and strangers (u) reach each level, as a file."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from expectations.located_yaml import LocatedYaml, read_yaml
from orchestration.environment import DBT_PROJECT_DIR
from orchestration.matching.settings import MatchSettings

PARAMETERS_FILE = Path("matching") / "parameters.yml"

_HEADER = """\
# Trained by `assent identity train`; not edited by hand. Each level of a comparison, in the order
# of settings.yml with what is left last, as [m, u]: the shares of true pairs and of strangers that
# reach it.
"""


class StaleParameters(ValueError):
    """The parameters were trained with other settings than those that stand."""


@dataclass(frozen=True)
class Parameters:
    """A trained model: `prior` is the share of all pairs that are one person.

    `trained_for` is the digest of the settings, `records` how many it was trained on, `levels` maps
    a comparison to (m, u) of each of its levels, `frequencies` a column to the shares of its
    frequent values.
    """

    trained_for: str
    records: int
    prior: float
    levels: dict[str, tuple[tuple[float, float], ...]]
    frequencies: dict[str, dict[str, float]]

    @property
    def version(self) -> str:
        """A digest of the settings that were trained for and of every number."""
        return digest_of([self.trained_for, self.prior, self.levels, self.frequencies])


def settings_digest(settings: MatchSettings) -> str:
    """A digest of the settings that a training depends on."""
    said = settings.model_dump(mode="json")
    return digest_of([said[part] for part in ("comparisons", "training")])


def load_parameters(settings: MatchSettings, project_dir: Path = DBT_PROJECT_DIR) -> Parameters:
    """The parameters of a dbt project.

    Raises SourceError for a file that can't be read, StaleParameters when they belong to other
    settings.
    """
    document = read_yaml(project_dir / PARAMETERS_FILE)
    found = _parameters(document)
    if found.trained_for != settings_digest(settings):
        raise StaleParameters(
            f"{document.file}: was trained with other settings than settings.yml holds. "
            "Fix: `assent identity train`"
        )
    return found


def write_parameters(parameters: Parameters, project_dir: Path = DBT_PROJECT_DIR) -> Path:
    """Write the file; the same parameters give the same bytes."""
    path = project_dir / PARAMETERS_FILE
    content = {
        "trained_for": parameters.trained_for,
        "records": parameters.records,
        "prior": rounded(parameters.prior),
        "levels": {
            name: [[rounded(m), rounded(u)] for m, u in levels]
            for name, levels in parameters.levels.items()
        },
        "frequencies": {
            column: {value: rounded(share) for value, share in shares.items()}
            for column, shares in parameters.frequencies.items()
        },
    }
    body = yaml.safe_dump(content, sort_keys=False, default_flow_style=None, allow_unicode=True)
    path.write_text(_HEADER + body, encoding="utf-8")
    return path


def rounded(share: float) -> float:
    """A share as the file keeps it: six digits, so that writing and reading change nothing."""
    return float(f"{share:.6g}")


def _parameters(document: LocatedYaml) -> Parameters:
    content: Any = document.content
    try:
        return Parameters(
            trained_for=str(content["trained_for"]),
            records=int(content["records"]),
            prior=float(content["prior"]),
            levels={
                str(name): tuple((float(m), float(u)) for m, u in levels)
                for name, levels in content["levels"].items()
            },
            frequencies={
                str(column): {str(value): float(share) for value, share in shares.items()}
                for column, shares in content["frequencies"].items()
            },
        )
    except (KeyError, TypeError, ValueError):
        raise document.error(
            (), "is not what training writes", "run `assent identity train`"
        ) from None


def digest_of(said: Any) -> str:
    """A short digest of what JSON can say."""
    text = json.dumps(said, ensure_ascii=False, separators=(",", ":"))
    return "m_" + hashlib.sha256(text.encode()).hexdigest()[:16]
