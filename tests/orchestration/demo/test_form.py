"""The base world: same bytes for the same arguments, and the form of the specification."""

import os
import re
import subprocess
import sys
from collections import Counter
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from orchestration.demo import write_world
from tests.orchestration.demo.reader import (
    COLUMNS,
    KEYS,
    all_rows,
    entity_of,
    files_of,
    named_in,
    naming_records,
    sound_rows,
    text,
)
from tests.orchestration.demo.worlds import AS_OF, PEOPLE, SEED, Written, digests


def test_the_same_arguments_give_the_same_bytes_in_another_process(
    base: Written, tmp_path: Path
) -> None:
    landing = tmp_path / "landing"
    code = (
        "import sys; from datetime import datetime; from pathlib import Path;"
        "from orchestration.demo import write_world;"
        "write_world(Path(sys.argv[1]), people=int(sys.argv[2]), seed=int(sys.argv[3]),"
        " as_of=datetime.fromisoformat(sys.argv[4]))"
    )
    arguments = [str(landing), str(PEOPLE), str(SEED), AS_OF.isoformat()]
    environment = {**os.environ, "PYTHONHASHSEED": "12345", "TZ": "Asia/Tokyo"}
    subprocess.run([sys.executable, "-c", code, *arguments], check=True, env=environment)
    assert digests(landing) == base.digests
    assert (tmp_path / "truth" / "identity.csv").read_bytes() == base.truth.read_bytes()


def test_another_seed_gives_another_world(base: Written, tmp_path: Path) -> None:
    write_world(tmp_path / "landing", people=PEOPLE, seed=SEED + 1, as_of=AS_OF)
    other = digests(tmp_path / "landing")
    assert other.keys() == base.digests.keys()
    assert not set(other.values()) & set(base.digests.values())


def test_the_world_moves_with_its_moment_and_keeps_its_offset_out(tmp_path: Path) -> None:
    tokyo = AS_OF.astimezone(timezone(timedelta(hours=9)))
    write_world(tmp_path / "a" / "landing", people=50, seed=1, as_of=AS_OF)
    write_world(tmp_path / "b" / "landing", people=50, seed=1, as_of=tokyo)
    assert digests(tmp_path / "a" / "landing") == digests(tmp_path / "b" / "landing")


def test_every_entity_of_the_specification_is_there_and_nothing_else(base: Written) -> None:
    entities = {entity_of(f, base.landing) for f in base.landing.rglob("*") if f.is_file()}
    assert entities == set(COLUMNS)


@pytest.mark.parametrize("entity", COLUMNS)
def test_every_sound_row_has_the_columns_and_the_key_of_the_specification(
    base: Written, entity: str
) -> None:
    rows = all_rows(base.landing, entity)
    assert rows
    pattern = KEYS.get(entity, r"[0-9a-f]{16}")
    key = "id" if entity.startswith("events/") else COLUMNS[entity].split()[0]
    for row in rows:
        assert list(row) == COLUMNS[entity].split()
        assert re.fullmatch(pattern, row[key])


@pytest.mark.parametrize(
    "entity", sorted(set(KEYS) - {"product/milestones", "communications/engagement"})
)
def test_a_key_names_one_record(base: Written, entity: str) -> None:
    key = COLUMNS[entity].split()[0]
    main = [
        row[key]
        for file in files_of(base.landing, entity)
        if "2026-11-20" not in file.name
        for row in sound_rows(file, entity)
    ]
    assert len(main) == len(set(main))


def test_a_split_file_comes_compressed_and_another_as_parquet(base: Written) -> None:
    suffixes = Counter("".join(Path(name).suffixes) for name in base.digests)
    assert suffixes[".csv.gz"] == suffixes[".jsonl.gz"] == suffixes[".parquet"] == 1


def test_csv_lines_end_as_rfc_4180_says(base: Written) -> None:
    for name in base.digests:
        if ".csv" in name:
            assert text(base.landing / name).endswith("\r\n")


def test_nothing_happens_after_the_moment_of_the_export(base: Written) -> None:
    for entity in COLUMNS:
        for row in all_rows(base.landing, entity):
            moments = [
                v for name, v in row.items() if name.endswith("_at") and name != "expires_at"
            ]
            for moment in [*moments, row.get("time", "")]:
                assert not moment or datetime.fromisoformat(moment) <= AS_OF


def test_the_truth_has_every_record_that_names_a_person_once(base: Written) -> None:
    truth = named_in(base.truth)
    assert len(truth) == len(set(truth)) == base.summary.named
    assert set(truth) == naming_records(base.landing)


def test_the_truth_never_lies_in_the_landing_zone(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="must lie outside the landing zone"):
        write_world(
            tmp_path / "l", people=50, seed=1, as_of=AS_OF, truth=tmp_path / "l" / "truth.csv"
        )


def test_a_directory_that_holds_something_is_not_written_to(base: Written) -> None:
    with pytest.raises(FileExistsError, match="is not empty"):
        write_world(base.landing, people=50, seed=1, as_of=AS_OF)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"people": 3}, "people must be"),
        ({"days": 1_000}, "days must be"),
        ({"as_of": datetime(2026, 11, 20, 6)}, "UTC offset"),  # noqa: DTZ001 the error is the point
    ],
)
def test_arguments_out_of_range_are_refused(
    tmp_path: Path, arguments: dict[str, object], message: str
) -> None:
    good: dict[str, object] = {"people": 50, "seed": 1, "as_of": AS_OF}
    with pytest.raises(ValueError, match=message):
        write_world(tmp_path / "landing", **{**good, **arguments})  # type: ignore[arg-type]
