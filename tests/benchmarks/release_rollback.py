"""Measure a rollback: the function that goes back, and the whole command.

    python -m tests.benchmarks.release_rollback

Prints CPU seconds beside the goal of one second. The baseline is what Python needs to import the
library that speaks to the store: no command is faster.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage

from activation.release import activate, open_bundle, read_bundle, record, rollback, sign
from activation.release.release import Bundle
from activation.store import open_store, transaction
from tests.activation.release.projects import AT, KEY, no_objection

ROOT = Path(__file__).parents[2]
GOAL = 1.0
TIMES = 5


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        home = Path(directory)
        url = f"sqlite:///{home}/assent.sqlite"
        first = read_bundle(ROOT)
        later = _later(first, home / "project")
        engine = open_store(url)
        for bundle in (first, later):
            with transaction(engine) as connection:
                record(connection, bundle, note=sign(bundle.release, KEY), actor="ana", at=AT)
            activate(
                engine, bundle.release.id, key=KEY.public, check=no_objection,
                actor="ana", note="why", at=AT,
            )  # fmt: skip
        began = time.process_time()
        with transaction(engine) as connection:
            rollback(
                connection, to=None, actor="ana", note="back", at=AT,
                is_intact=lambda one: open_bundle(connection, one, KEY.public),
            )  # fmt: skip
        function = time.process_time() - began
        engine.dispose()
        (home / "keys").mkdir()
        (home / "keys" / "release.pub").write_text(KEY.public.text())
        command = [str(Path(sys.executable).with_name("assent")), "release", "rollback"]
        options = ["--home", str(home), "--actor", "ana", "--note", "back", "--to"]
        ids = [later.release.id, first.release.id] * TIMES
        whole = min(_seconds([*command, *options, one]) for one in ids)
        imports = min(_seconds([sys.executable, "-c", "import sqlalchemy"]) for _ in range(TIMES))
    print(f"{'rollback of ' + str(len(first.files)) + ' files':28}{'CPU s':>8}{'goal':>8}")
    print(f"{'the function':28}{function:8.3f}{GOAL:8.1f}")
    print(f"{'the whole command':28}{whole:8.3f}{GOAL:8.1f}")
    print(f"{'import sqlalchemy alone':28}{imports:8.3f}{'':8}  ratio {whole / imports:.1f}")


def _later(bundle: Bundle, root: Path) -> Bundle:
    bundle.write(root)
    (root / "dbt_project" / "dbt_project.yml").open("a").write("# later\n")
    return read_bundle(root)


def _seconds(command: list[str]) -> float:
    before = getrusage(RUSAGE_CHILDREN)
    subprocess.run(command, check=True, capture_output=True)
    after = getrusage(RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main()
