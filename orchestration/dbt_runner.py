"""dbt in this process: one parse per change of the project, then `dbt build` without a subprocess.

A subprocess costs 6 to 8 CPU seconds each time, most of it imports and parsing; a parsed manifest
handed to dbtRunner brings a build of the whole project to about one.
"""

import hashlib
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from activation.release.bundle import WAREHOUSE_SUFFIXES
from orchestration.environment import DBT_PROJECT_DIR, Home, export

WAREHOUSE_VARIABLE = "ASSENT_WAREHOUSE"
DIGEST_FILE = "project.sha256"


class DbtError(RuntimeError):
    """dbt could not parse or run the project; the message says which node and why."""


@dataclass(frozen=True)
class NodeResult:
    """What became of a model or data test; status: success, pass, warn, fail, error, skipped."""

    unique_id: str
    status: str
    message: str
    failures: int
    seconds: float


def output_directory(home: Home, project_dir: Path = DBT_PROJECT_DIR) -> Path:
    """Where dbt writes what it makes of a project: that of a release has a place of its own."""
    if project_dir == DBT_PROJECT_DIR:
        return home.dbt
    return home.dbt / project_dir.parent.name


def manifest_path(home: Home, project_dir: Path = DBT_PROJECT_DIR) -> Path:
    return output_directory(home, project_dir) / "target" / "manifest.json"


def prepare_manifest(home: Home, project_dir: Path = DBT_PROJECT_DIR) -> Path:
    """Parse a dbt project unless its files are those of the manifest at hand; return its path.

    Raises DbtError with dbt's own words when the project does not parse.
    """
    path = manifest_path(home, project_dir)
    marker = output_directory(home, project_dir) / DIGEST_FILE
    digest = project_digest(project_dir)
    if not (path.exists() and marker.exists() and marker.read_text() == digest):
        parsed = parse(home, project_dir)
        if not path.exists():  # this process had parsed it for another home
            path.parent.mkdir(parents=True, exist_ok=True)
            parsed.writable_manifest().write(str(path))
            marker.write_text(digest)
    return path


def parse(home: Home, project_dir: Path = DBT_PROJECT_DIR) -> Any:
    """dbt's own manifest object, parsed once per process and state of the project.

    The JSON manifest is not enough to run from: generic tests lose their arguments in it. dbt keeps
    what it parsed in the target folder, so the first parse of a process takes about a second.
    """
    digest = project_digest(project_dir)
    if digest not in _PARSED:
        _PARSED.clear()
        _PARSED[digest] = _invoke(home, project_dir, ["parse"], manifest=None, on_event=None)
        (output_directory(home, project_dir) / DIGEST_FILE).write_text(digest)
    return _PARSED[digest]


_PARSED: dict[str, Any] = {}


def project_digest(project_dir: Path = DBT_PROJECT_DIR) -> str:
    """A digest of every file that dbt reads, by path and content."""
    digest = hashlib.sha256()
    for path in sorted(project_dir.rglob("*")):
        if path.suffix in WAREHOUSE_SUFFIXES and path.is_file():
            digest.update(str(path.relative_to(project_dir)).encode() + b"\0")
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def read_manifest(home: Home, project_dir: Path = DBT_PROJECT_DIR) -> dict[str, Any]:
    """The manifest as JSON, parsed anew when the project changed."""
    manifest: dict[str, Any] = json.loads(prepare_manifest(home, project_dir).read_text())
    return manifest


def build(
    home: Home,
    *,
    selector: str | None,
    select: list[str] | None,
    as_of: datetime,
    project_dir: Path = DBT_PROJECT_DIR,
    on_event: Callable[[Any], None] | None = None,
    data_tests: bool = True,
    arguments: Sequence[str] = (),
) -> list[NodeResult]:
    """`dbt build` of a selector, or of the named nodes; models and data tests, no unit tests.

    Raises DbtError only when dbt itself fails; a failing node is in the result.
    """
    # Nobody reads what dbt would write of the build, which costs 0.4 s each time.
    command = ["build", "--no-write-json", "--exclude-resource-type", "unit_test"]
    command += [] if data_tests else ["--exclude-resource-type", "test"]
    command += ["--select", *select] if select is not None else ["--selector", str(selector)]
    command += ["--vars", json.dumps({"as_of": as_of.isoformat()}), *arguments]
    manifest = parse(home, project_dir)
    results = _invoke(home, project_dir, command, manifest=manifest, on_event=on_event)
    return [
        NodeResult(
            unique_id=result.node.unique_id,
            status=str(result.status),
            message=str(result.message or ""),
            failures=int(result.failures or 0),
            seconds=float(result.execution_time or 0.0),
        )
        for result in results.results
    ]


def compile_project(
    home: Home,
    project_dir: Path = DBT_PROJECT_DIR,
    later_run: Callable[[Path], None] | None = None,
) -> dict[str, Any]:
    """The manifest with every model's SQL as dbt compiles it, for the policy check.

    No warehouse is opened and no data read: macros that ask the warehouse get nothing. The clock is
    a fixed one, so that the same project compiles to the same text. Once per state of the project
    and home: the text is kept below the home, named by what it follows from. It is parsed unless
    this process has parsed the same files, in whatever folder. `later_run` makes the tables that
    the run is to find, in the file it is given; without it nothing is there yet. Raises DbtError
    with dbt's words.
    """
    run = "first" if later_run is None else "later"
    digest = project_digest(project_dir)
    if (digest, run) not in _COMPILED:
        output = output_directory(home, project_dir) / "check"
        versions = [version(name) for name in ("dbt-core", "dbt-duckdb")]
        kept = output / f"compiled-{run}-{'-'.join([digest[:32], *versions])}.json"
        try:
            text = kept.read_text(encoding="utf-8")
        except FileNotFoundError:
            scratch = output / run
            scratch.mkdir(parents=True, exist_ok=True)
            if later_run is not None:
                later_run(scratch / home.warehouse.name)
            text = _compiled_text(home, project_dir, scratch, parse(home, project_dir))
            write_beside(kept, text.encode())
            for old in set(output.glob(f"compiled-{run}-*.json")) - {kept}:
                old.unlink(missing_ok=True)
        _COMPILED[digest, run] = json.loads(text)
    return _COMPILED[digest, run]


def _compiled_text(home: Home, project_dir: Path, output: Path, parsed: Any) -> str:
    _invoke(
        home,
        project_dir,
        ["compile", "--no-introspect", "--vars", json.dumps({"as_of": COMPILED_AS_OF})],
        manifest=parsed,
        on_event=None,
        output=output,
    )
    return (output / "target" / "manifest.json").read_text(encoding="utf-8")


def lineage_cache(home: Home, project_dir: Path = DBT_PROJECT_DIR) -> Path:
    """The file that remembers lineage from one check of a project to the next."""
    return output_directory(home, project_dir) / "check" / "lineage.json"


def write_beside(path: Path, content: bytes) -> None:
    """Write a file that another process may be reading: it sees the old one or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_bytes(content)
    temporary.replace(path)


_COMPILED: dict[tuple[str, str], dict[str, Any]] = {}
COMPILED_AS_OF = "2000-01-01T00:00:00+00:00"


def _invoke(
    home: Home,
    project_dir: Path,
    arguments: list[str],
    *,
    manifest: Any,
    on_event: Callable[[Any], None] | None,
    output: Path | None = None,
) -> Any:
    """Run dbt. With an `output` of its own it gets a scratch database there, not the warehouse."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    warehouse = home.warehouse if output is None else output / home.warehouse.name
    output = output or output_directory(home, project_dir)
    output.mkdir(parents=True, exist_ok=True)
    export(WAREHOUSE_VARIABLE, str(warehouse))
    common = [
        "--quiet",
        *("--log-level", "none"),
        *("--log-level-file", "none"),
        *("--project-dir", str(project_dir)),
        *("--profiles-dir", str(project_dir)),
        *("--target-path", str(output / "target")),
        *("--log-path", str(output / "logs")),
    ]
    if manifest is not None:
        _forget_ephemeral_queries(manifest)
    runner = dbtRunner(manifest=manifest, callbacks=[on_event] if on_event else [])
    command = [arguments[0], *common, *arguments[1:]]
    with _working_directory_kept(), _command_line_hidden(arguments[0]):
        outcome = runner.invoke(command)
    DuckDBConnectionManager.close_all_connections()
    if outcome.exception is not None:
        raise DbtError(f"dbt {arguments[0]}: {outcome.exception}") from outcome.exception
    return outcome.result


def _forget_ephemeral_queries(manifest: Any) -> None:
    """Let dbt put ephemeral models into the queries that use them once more.

    It notes in the manifest that it did, so of a manifest that was compiled before it would write
    queries without them ("Table with name __dbt__cte__x does not exist").
    """
    for node in manifest.nodes.values():
        if getattr(node, "extra_ctes_injected", False):
            node.extra_ctes_injected = False
            node.extra_ctes = []


@contextmanager
def _working_directory_kept() -> Iterator[None]:
    # dbt changes the process's working directory to the project and leaves it there
    before = Path.cwd()
    try:
        yield
    finally:
        os.chdir(before)


@contextmanager
def _command_line_hidden(command: str) -> Iterator[None]:
    # dbt writes the process's arguments into run_results.json, and `assent erase --subject` has a
    # person's identifier among them
    before = sys.argv
    sys.argv = ["dbt", command]
    try:
        yield
    finally:
        sys.argv = before
