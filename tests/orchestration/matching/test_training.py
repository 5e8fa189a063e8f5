"""Training: repeatable, computed where it can be, and bound to its settings."""

import random
from pathlib import Path

import duckdb
import pytest

from expectations.located_yaml import SourceError
from orchestration.environment import DBT_PROJECT_DIR
from orchestration.matching.linker import LEAST_PROBABILITY
from orchestration.matching.parameters import (
    PARAMETERS_FILE,
    Parameters,
    StaleParameters,
    load_parameters,
    write_parameters,
)
from orchestration.matching.settings import SETTINGS_FILE, MatchSettings, load_settings
from orchestration.matching.training import TrainingError, train
from tests.orchestration.matching.records import Person, write

GIVEN = ("anna", "ben", "carla", "dan", "eve", "finn", "gina", "hal")
FAMILY = ("oak", "ash", "elm", "birch", "rowan", "hazel")


@pytest.fixture(scope="module")
def settings() -> MatchSettings:
    loaded = load_settings()
    fewer = loaded.training.model_copy(update={"pairs": 20_000})
    return loaded.model_copy(update={"training": fewer})


def trained(settings: MatchSettings, shuffle: int) -> Parameters:
    generator = random.Random(1)
    people: dict[str, Person] = {}
    for number in range(300):
        born = f"{generator.randint(1950, 1999)}-{generator.randint(1, 12):02}-{number % 28 + 1:02}"
        person = Person(
            given=generator.choice(GIVEN), family=generator.choice(FAMILY), born=born,
            email=f"{number}@x.example", phone=f"+44{number}", postcode=f"AB{number}", street="1 a",
        )  # fmt: skip
        people[f"c{number:03}"] = person
        if generator.random() < 0.5:
            people[f"p{number:03}"] = person
    order = list(people.items())
    random.Random(shuffle).shuffle(order)
    with duckdb.connect() as connection:
        write(connection, dict(order))
        connection.execute("create table records as select * from identity.id_comparables")
        return train(connection, "records", settings)


def test_the_same_records_in_any_order_train_the_same_model(settings: MatchSettings) -> None:
    one, other = trained(settings, shuffle=1), trained(settings, shuffle=2)
    assert one == other
    assert 0 < one.prior < 0.05
    m, u = one.levels["email"][0]
    assert m > 0.9
    assert u == pytest.approx(one.records / 3 / (one.records * (one.records - 1) / 2), rel=0.05), (
        "u of an equality is the share of all pairs that are equal, not a sample's"
    )
    assert all(
        LEAST_PROBABILITY <= share <= 1
        for levels in one.levels.values()
        for level in levels
        for share in level
    )


def test_no_records_are_no_training(settings: MatchSettings) -> None:
    with duckdb.connect() as connection:
        write(connection, {})
        with pytest.raises(TrainingError, match="no records"):
            train(connection, "identity.id_comparables", settings)


def test_the_parameters_at_hand_belong_to_the_settings_at_hand(tmp_path: Path) -> None:
    settings = load_settings()
    parameters = load_parameters(settings)
    (tmp_path / PARAMETERS_FILE).parent.mkdir()
    written = write_parameters(parameters, tmp_path)
    assert load_parameters(settings, tmp_path) == parameters
    assert written.read_bytes() == (DBT_PROJECT_DIR / PARAMETERS_FILE).read_bytes()


def test_parameters_of_other_settings_are_refused() -> None:
    settings = load_settings()
    changed = settings.model_copy(update={"comparisons": settings.comparisons[1:]})
    with pytest.raises(StaleParameters, match="assent identity train"):
        load_parameters(changed)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("resolution: 0.5", "resolution: 2", "resolution"),
        ("thresholds: {link: 0.99, review: 0.5}", "thresholds: {link: 0.4, review: 0.5}", "review"),
        ("  - name: phone", "  - name: email", "email"),
        ("seed: 1\n\ntraining", "sede: 1\n\ntraining", "sede"),
    ],
)
def test_a_fault_of_the_settings_names_the_field(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    text = (DBT_PROJECT_DIR / SETTINGS_FILE).read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / SETTINGS_FILE
    path.parent.mkdir()
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(SourceError, match=said):
        load_settings(tmp_path)
