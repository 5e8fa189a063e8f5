"""What labels cost at run time, in CPU seconds: proving the graph, reading it, loading the
definitions with it and without, and generating every document."""

import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

AT = datetime(2026, 11, 20, 6, tzinfo=UTC)
GOAL_SHARE = 0.25
"""Loading may cost at most this share more with the graph than without."""


def measured(work: Callable[[], Any]) -> tuple[float, Any]:
    begun = time.process_time()
    result = work()
    return time.process_time() - begun, result


def main() -> None:
    from orchestration import dbt_runner, environment, policy_graph

    folder = Path(tempfile.mkdtemp(prefix="policy-graph-"))
    environment.export(environment.HOME_VARIABLE, str(folder))
    home = environment.home()
    parsing, _ = measured(lambda: dbt_runner.prepare_manifest(home))
    proving, graph = measured(lambda: policy_graph.policy_graph(home, on=AT.date()))
    policy_graph._read.cache_clear()
    reading, _ = measured(lambda: policy_graph.policy_graph(home, on=AT.date()))
    columns = sum(len(one.fields) for one in graph.relations.values())
    print(f"{len(graph.relations)} relations, {columns} columns")
    print(f"dbt parses the project        {parsing:6.2f} CPU s")
    print(f"the graph, proven anew        {proving:6.2f} CPU s (dbt compile, lineage, labels)")
    print(f"the graph, read from its file {reading:6.2f} CPU s")

    loading, _ = measured(lambda: __import__("orchestration.definitions"))
    share = reading / (loading - reading)
    print(f"definitions, graph in cache   {loading:6.2f} CPU s, of which the graph {reading:.2f}")
    print(f"  {share:.1%} more than without it (goal: at most {GOAL_SHARE:.0%})")

    from activation.evidence.export import documents
    from activation.evidence.lineage_pages import pages
    from orchestration.evidence import evidence_inputs

    inputs = evidence_inputs(home, AT)
    writing, files = measured(lambda: list(documents(inputs, AT)))
    drawing, drawn = measured(lambda: list(pages(inputs)))
    _, again = measured(lambda: list(documents(inputs, AT)))
    size = sum(len(text) for _, text in files)
    print(f"{len(files)} documents                  {writing:6.2f} CPU s, {size / 1e6:.1f} MB")
    print(f"{len(drawn)} lineage pages            {drawing:6.2f} CPU s")
    print(f"byte-identical when made again: {files == again}")
    if share > GOAL_SHARE or files != again:
        sys.exit(1)


if __name__ == "__main__":
    main()
