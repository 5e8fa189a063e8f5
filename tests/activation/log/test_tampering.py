"""Every falsification is found, by the library and by the stand-alone verifier alike."""

import shutil
from pathlib import Path
from random import Random

import pytest

from activation.log import DecisionLog, verifier
from tests.activation.log.tampering import (
    BATCHES,
    CLASSES,
    Tampering,
    change_time,
    drop_tail,
    make_genuine,
    remove_checkpoint,
    rollback_to_an_older_state,
    stolen_old_key_rewrites_the_rotation,
)
from tests.activation.log.worlds import KEY

MUTATIONS = 6
# Without the copies these may pass as an older log, or as one whose old key is the thief's.
NEED_COPIES = (drop_tail, remove_checkpoint, rollback_to_an_older_state)
NEED_COPIES += (stolen_old_key_rewrites_the_rotation,)


def log_files(home: Path) -> dict[str, bytes]:
    """What a falsification must have changed to count."""
    return {
        str(path.relative_to(home)): path.read_bytes()
        for path in (home / "decision_log").rglob("*")
        if path.is_file()
    }


@pytest.fixture(scope="module")
def genuine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("genuine")
    make_genuine(home, copies=True)
    return home


def library_findings(home: Path, copies: Path | None) -> set[tuple[str, int | None, str]]:
    report = DecisionLog(home / "decision_log", copies=copies).verify(KEY.public)
    return {(finding.file, finding.seq, finding.code) for finding in report.findings}


def stranger_findings(home: Path, copies: Path | None) -> set[tuple[str, int | None, str]]:
    key = verifier.parse_key(KEY.public.text())
    report = verifier.Verification(home / "decision_log", key, copies).run()
    return {(finding.file, finding.seq, finding.code) for finding in report.findings}


def test_the_genuine_log_has_no_findings(genuine: Path) -> None:
    assert library_findings(genuine, genuine / "copies") == set()
    assert stranger_findings(genuine, genuine / "copies") == set()


@pytest.mark.parametrize("tamper", CLASSES, ids=lambda tamper: tamper.__name__)
def test_a_falsified_log_is_found_out(tmp_path: Path, genuine: Path, tamper: Tampering) -> None:
    for seed in range(MUTATIONS):
        home = tmp_path / str(seed)
        shutil.copytree(genuine, home)
        tamper(home, Random(seed))
        assert log_files(home) != log_files(genuine), f"seed {seed} changed nothing"
        found = library_findings(home, home / "copies")
        assert found, f"seed {seed}"
        assert found == stranger_findings(home, home / "copies"), f"seed {seed}"
        # Without the copies some pass, but the two verifiers still agree.
        alone = library_findings(home, None)
        assert alone == stranger_findings(home, None), f"seed {seed}"
        assert alone or tamper.__name__.startswith("insider") or tamper in NEED_COPIES


@pytest.mark.slow
@pytest.mark.parametrize("tamper", CLASSES, ids=lambda tamper: tamper.__name__)
def test_a_falsified_log_is_found_out_a_thousand_times(
    tmp_path: Path, genuine: Path, tamper: Tampering
) -> None:
    missed, counted, seed = [], 0, 0
    before = log_files(genuine)
    while counted < 1_000:
        home = tmp_path / "home"
        shutil.copytree(genuine, home)
        tamper(home, Random(seed))
        if log_files(home) != before:
            counted += 1
            found = library_findings(home, home / "copies")
            if not found or found != stranger_findings(home, home / "copies"):
                missed.append(seed)
        shutil.rmtree(home)
        seed += 1
        assert seed < 2_000, "most of these falsifications change nothing"
    assert missed == []


def test_one_changed_row_is_laid_to_its_segment_and_to_no_other(
    tmp_path: Path, genuine: Path
) -> None:
    home = tmp_path / "home"
    shutil.copytree(genuine, home)
    change_time(home, Random(4))
    [(file, seq, code)] = library_findings(home, home / "copies")
    assert code == "root"
    number = int(file.removeprefix("segments/").removesuffix(".parquet"))
    assert seq == sum(BATCHES[: number - 1])


def test_a_changed_opening_names_its_row(tmp_path: Path, genuine: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(genuine, home)
    changed = next(tamper for tamper in CLASSES if tamper.__name__ == "change_opening")
    changed(home, Random(1))
    [(file, seq, code)] = library_findings(home, None)
    assert code == "opening_commitment"
    assert file.startswith("openings/")
    assert seq is not None
    report = DecisionLog(home / "decision_log").verify(KEY.public)
    assert not report.ok
    assert f"{file} seq {seq}: " in str(report.findings[0])


def test_a_log_whose_openings_stay_at_home_still_verifies(tmp_path: Path, genuine: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(genuine, home)
    shutil.rmtree(home / "decision_log" / "openings")
    assert library_findings(home, None) == stranger_findings(home, None) == set()


def test_a_witness_signature_on_a_checkpoint_does_not_break_the_chain(
    tmp_path: Path, genuine: Path
) -> None:
    home = tmp_path / "home"
    shutil.copytree(genuine, home)
    path = home / "decision_log" / "checkpoints" / "000002"
    note = path.read_text()
    path.unlink()
    path.write_text(note + "\N{EM DASH} example.org/witness AAAAAAAA\n")
    assert library_findings(home, home / "copies") == set()
    assert stranger_findings(home, home / "copies") == set()
