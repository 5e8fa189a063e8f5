"""What a run of decisions costs, against the least it could: scan the inputs, write the rows.

    python -m tests.benchmarks.decide [persons]

Ten nodes: the sample's six, and four variants that select other people of the same contexts. Each
part is measured alone, in CPU seconds of this process (least of five), so that other work on the
machine matters less: deciding, keeping the inputs for replay, and sealing with openings. The goals
are per 1M persons, so what counts most is how many candidates a person is: it is printed, for two
worlds.
"""

import resource
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from activation.decisions import decide, record_inputs
from activation.decisions.deciding import APPROVAL_SCHEMA
from activation.journeys import JourneySet, Node, load
from activation.log import DecisionLog
from activation.release import build
from tests.activation.decisions.bulk import create_bulk_world
from tests.activation.log.worlds import KEY

AS_OF = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
SCANNED = (
    "contexts.ctx_policy",
    "contexts.ctx_claim",
    "contexts.ctx_account",
    "contexts.ctx_ticket",
    "contexts.ctx_customer",
    "contexts.ctx_person",
    "consent.con_permits",
    "activation.decision_log",
)
#: Variant, the node that it is made from, and whom it selects.
VARIANTS = (
    ("renewal_lapsed", "renewal_reminder_day_90", "status = 'lapsed'"),
    ("claim_paid", "claim_update_day_7", "status = 'paid' and days_open <= 6"),
    (
        "onboarding_late",
        "onboarding_nudge_stalled",
        "milestones_reached < 5 and account_age_days > 90",
    ),
    ("cross_sell_motor", "cross_sell_home", "has_active_home and not has_active_motor"),
)


def ten_nodes() -> JourneySet:
    """The sample's journeys and the variants, in decision order."""
    journeys = load(Path(__file__).parents[2] / "activation" / "journeys")
    sample = {node.id: node for node in journeys.nodes}
    nodes = [
        *journeys.nodes,
        *(
            Node.model_validate(sample[origin].model_dump() | {"id": name, "when": when})
            for name, origin, when in VARIANTS
        ),
    ]
    return JourneySet(tuple(sorted(nodes, key=lambda n: (n.priority, n.id))), journeys.policies)


def cpu_seconds(work: Callable[[], object]) -> float:
    """Least CPU time, user and system, of five calls."""
    spent = []
    for _ in range(5):
        before = resource.getrusage(resource.RUSAGE_SELF)
        work()
        after = resource.getrusage(resource.RUSAGE_SELF)
        spent.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(spent)


def measure(persons: int, subjects: int) -> None:
    """Build a world, decide it, and print the figures."""
    journeys = ten_nodes()
    with tempfile.TemporaryDirectory() as folder:
        settings = {"threads": 2, "memory_limit": "4GB", "temp_directory": folder}
        connection = duckdb.connect(config=settings)
        create_bulk_world(connection, persons, seed=7, subjects=subjects)
        regimes = Path(folder) / "regimes.yml"
        regimes.write_text("regimes: {}\n", encoding="utf-8")
        release = build(journeys, regimes)
        rows = decide(connection, journeys=journeys, release=release, as_of=AS_OF)
        connection.register("decided", rows)

        def record() -> None:
            record_inputs(
                connection,
                journeys=journeys,
                release=release,
                as_of=AS_OF,
                approvals=APPROVAL_SCHEMA.empty_table(),
                decided=rows,
            )

        def seal() -> None:
            with tempfile.TemporaryDirectory() as place:
                log = DecisionLog(Path(place), signing_key=KEY)
                log.append(rows, as_of=AS_OF, release=release.id, sealed_at=AS_OF)

        def scan() -> None:
            for table in SCANNED:
                connection.execute(f"select bit_xor(hash(t)) from {table} as t").fetchall()

        def write() -> None:
            connection.execute("create or replace table written as from decided")

        deciding = cpu_seconds(
            lambda: decide(connection, journeys=journeys, release=release, as_of=AS_OF)
        )
        recording, sealing = cpu_seconds(record), cpu_seconds(seal)
        scanning, writing = cpu_seconds(scan), cpu_seconds(write)
        connection.close()
    full, bound, count = deciding + sealing, scanning + writing, rows.num_rows
    print(
        f"{persons:,} persons, {len(journeys.nodes)} nodes, {count:,} rows: "
        f"{count / persons:.2f} a person"
    )
    for part, spent in (
        ("decide", deciding),
        ("seal", sealing),
        ("record inputs", recording),
        ("scan", scanning),
        ("write", writing),
    ):
        print(f"  {part}: {spent:.2f} CPU s, {spent * 1e6 / count:.2f} per 1M rows")
    print(
        f"  decide and seal: {full * 1e6 / persons:.1f} CPU s per 1M persons (goal 12), "
        f"{full * 1e6 / count:.1f} per 1M rows, {full / bound:.1f} x scan and write (goal 10); "
        f"with inputs {(full + recording) / bound:.1f} x"
    )


def main(persons: int) -> None:
    """A world with a policy, claim, account and ticket for each person, and one with half of them.

    The second has as many rows a person as the measurement that the goal of 12 CPU s comes from:
    2.06, of ten nodes too, with a single hash and neither openings nor files.
    """
    for subjects in (persons, persons // 2):
        measure(persons, subjects)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
