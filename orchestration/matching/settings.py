"""How records are compared: the settings of the probabilistic layer, read from YAML."""

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from expectations.located_yaml import read_yaml
from orchestration.environment import DBT_PROJECT_DIR

SETTINGS_FILE = Path("matching") / "settings.yml"

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
Probability = Annotated[float, Field(gt=0, lt=1)]
Expression = Annotated[str, StringConstraints(min_length=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Level(_Strict):
    """One degree of agreement: `when` is SQL over `<column>_l` and `<column>_r`; the first level
    that holds counts.

    `equal` names the columns whose equality the level is: how often two strangers reach it is then
    computed from the frequencies of the values, not sampled. `frequency_of` names the column whose
    frequent values weigh less.
    """

    when: Expression
    words: Expression
    equal: tuple[Name, ...] = ()
    frequency_of: Name | None = None


class Comparison(_Strict):
    """One attribute: it says nothing where `missing` holds, else the first level that holds.

    The last level is what is left, with `otherwise` as its words.
    """

    name: Name
    missing: Expression
    levels: tuple[Level, ...] = Field(min_length=1)
    otherwise: Expression

    def words(self) -> tuple[str, ...]:
        """The words of each level by Splink's number: 0 is what is left, the first is highest."""
        return (self.otherwise, *(level.words for level in reversed(self.levels)))


class Doubt(_Strict):
    """What makes a pair a person's question, however it scores: SQL as in a level, and why."""

    when: Expression
    words: Expression


class Thresholds(_Strict):
    """From `link` on a pair may join, from `review` on a person is asked."""

    link: Probability
    review: Probability

    @model_validator(mode="after")
    def _review_lies_below(self) -> "Thresholds":
        if self.review > self.link:
            raise ValueError("review lies above link; a pair is asked about before it joins")
        return self


class Training(_Strict):
    """How the parameters are found.

    Pairs that agree in all expressions of an entry of `certain` are surely one person, and all such
    pairs are the share `recall` of what is: together they say how rare a match is. `blocking` are
    the runs of expectation maximisation, one after another, each over the pairs that agree in those
    expressions (at most about `em_pairs` of them). `pairs` is how many random pairs levels without
    `equal` are sampled from, `seed` makes that repeatable. Of a column whose frequent values weigh
    less, those that at least `frequent` records have are listed.
    """

    certain: tuple[tuple[Expression, ...], ...] = Field(min_length=1)
    recall: Probability
    blocking: tuple[tuple[Expression, ...], ...] = Field(min_length=1)
    pairs: int = Field(ge=10_000)
    em_pairs: int = Field(default=1_000_000, ge=10_000)
    seed: int
    frequent: int = Field(default=20, ge=1)


class MatchSettings(_Strict):
    """The whole: what is compared, which pairs are, what a score means, how it is trained.

    Pairs that agree in all expressions of one entry of `blocking` are scored; a pair that meets a
    doubt is never joined by its score. `resolution` is the share of possible links below which a
    group falls apart (the constant Potts model of Traag, Van Dooren and Nesterov, 2011).
    """

    comparisons: tuple[Comparison, ...] = Field(min_length=2)
    blocking: tuple[tuple[Expression, ...], ...] = Field(min_length=1)
    doubts: tuple[Doubt, ...] = ()
    thresholds: Thresholds
    resolution: Probability
    seed: int
    training: Training

    @model_validator(mode="after")
    def _names_are_unique(self) -> "MatchSettings":
        names = [one.name for one in self.comparisons]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"comparisons of one name: {', '.join(twice)}; rename one")
        return self

    def frequency_columns(self) -> tuple[str, ...]:
        """The columns whose frequent values weigh less."""
        named = {level.frequency_of for one in self.comparisons for level in one.levels}
        return tuple(sorted(name for name in named if name))


def load_settings(project_dir: Path = DBT_PROJECT_DIR) -> MatchSettings:
    """The settings of a dbt project. Raises SourceError with file, line, field and fix."""
    return read_yaml(project_dir / SETTINGS_FILE).validate(MatchSettings)
