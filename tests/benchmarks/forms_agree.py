"""Whether the three forms of a decision agree, over two million rows of drawn worlds.

    python -m tests.benchmarks.forms_agree [rows]

Each world has rules, persons, consent, history and approvals of its own seed. Mask SQL, window SQL
and plain Python decide it, and every column of every row is compared. Exit status 1 if any differs.
"""

import sys
import tempfile
import time
from itertools import count
from pathlib import Path

from tests.activation.decisions.agreement import drawn_world

PERSONS = 20_000


def main(wanted: int) -> int:
    """Draw worlds until so many rows were decided; print how many differ."""
    rows = differing = 0
    reasons: set[str] = set()
    with tempfile.TemporaryDirectory() as folder:
        for seed in count(1):
            found = drawn_world(seed, PERSONS, Path(folder))
            rows += found.rows
            differing += found.window + found.python
            reasons |= found.reasons
            print(
                f"seed {seed}: {found.rows:,} rows, differing: window {found.window}, "
                f"Python {found.python}",
                flush=True,
            )
            if rows >= wanted:
                break
    print(
        f"{rows:,} rows of {seed} worlds, {len(reasons)} reasons, {differing} differing rows "
        f"(goal 0 in 2,000,000); {time.process_time():.0f} CPU s"
    )
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 2_000_000))
