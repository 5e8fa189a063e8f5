"""The words that a policy label may use: fideslang's data categories and our own data file."""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from expectations.located_yaml import read_yaml
from expectations.policy.lineage.edges import Column

VOCABULARY_FILE = Path(__file__).with_name("vocabulary.yml")
_Words = Annotated[dict[str, str], Field(min_length=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Generalisation(_Strict):
    """Values that stay as they are; every other becomes null."""

    keeps: Annotated[tuple[str, ...], Field(min_length=1)]
    reason: str


class GeneralisingFunction(_Strict):
    """A function whose result tells less; `units` limits what a truncation may keep."""

    units: tuple[str, ...] = ()


class _File(_Strict):
    categories: dict[str, str] = {}
    purposes: _Words
    regions: _Words
    generalising_functions: dict[str, GeneralisingFunction] = {}
    generalisations: dict[str, Generalisation] = {}
    hash_key: Annotated[str, Field(pattern=r"^[a-z_]+\.[a-z_]+\.[a-z_]+$")]
    minimum_group: Annotated[int, Field(ge=2)]
    person_keys: Annotated[tuple[str, ...], Field(min_length=1)]


@dataclass(frozen=True)
class Vocabulary:
    """Every word that a label may use. `deprecated` are categories that fideslang withdrew."""

    categories: frozenset[str]
    deprecated: Mapping[str, str | None]
    purposes: frozenset[str]
    regions: frozenset[str]
    generalising_functions: Mapping[str, GeneralisingFunction]
    generalisations: Mapping[str, Generalisation]
    hash_key: Column
    minimum_group: int
    person_keys: tuple[str, ...]

    def fault(self, kind: str, word: object) -> tuple[str, str] | None:
        """Why a word is not of the `kind` (categories, purposes or regions), and the fix.

        None when it is.
        """
        known: frozenset[str] = getattr(self, kind)
        if isinstance(word, str) and word in known:
            return None
        name = {"categories": "category", "purposes": "purpose", "regions": "region"}[kind]
        if kind == "categories" and word in self.deprecated:
            replaced = self.deprecated[str(word)]
            return (
                f"category {word} was withdrawn from fideslang",
                f"write {replaced}" if replaced else "use its successor in fideslang's taxonomy",
            )
        return f"{name} {word} is not known", nearest(str(word), known, "vocabulary.yml")


def nearest(word: str, known: Iterable[str], listed_in: str) -> str:
    """The fix for a misspelt word: the known one that is closest, or where the known ones are."""
    close = difflib.get_close_matches(word, sorted(known), n=1, cutoff=0.6)
    return f"did you mean {close[0]}?" if close else f"use one that is listed in {listed_in}"


@cache
def read_vocabulary(path: Path = VOCABULARY_FILE) -> Vocabulary:
    """Read the vocabulary. Raises SourceError when the file is wrong, or an own category stands
    under no key of fideslang."""
    # half a second to import, and only a check needs it
    from fideslang.default_taxonomy import DEFAULT_TAXONOMY

    document = read_yaml(path)
    own = document.validate(_File)
    theirs = {str(one.fides_key): one for one in DEFAULT_TAXONOMY.data_category}
    current = {key for key, one in theirs.items() if not one.version_deprecated}
    for category in own.categories:
        if category.rpartition(".")[0] not in current:
            raise document.error(
                ("categories", category),
                "stands under no category of fideslang",
                "begin it with one, as in user.financial.claim",
            )
    return Vocabulary(
        categories=frozenset(current | own.categories.keys()),
        deprecated={
            key: one.replaced_by and str(one.replaced_by)
            for key, one in theirs.items()
            if one.version_deprecated
        },
        purposes=frozenset(own.purposes),
        regions=frozenset(own.regions),
        generalising_functions=own.generalising_functions,
        generalisations=own.generalisations,
        hash_key=Column(*own.hash_key.split(".")),
        minimum_group=own.minimum_group,
        person_keys=own.person_keys,
    )
