"""The layer's one step between two dbt steps: score what is new, propose what to join.

Scores are kept. A score follows from its two records and the model alone, so only pairs with a
record that is new, changed or gone are touched, and the outcome is that of scoring everything.
"""

from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from orchestration.matching.parameters import load_parameters
from orchestration.matching.proposals import propose
from orchestration.matching.scoring import SCORES, Model, score
from orchestration.matching.settings import load_settings
from orchestration.warehouse import has_table, replace_table, warehouse_transaction

# Above this share of changed records scoring all of them is cheaper than two passes.
MOST_CHANGED = 0.3

_SCORED = pa.schema(
    [(name, pa.string()) for name in ("record_key", "content_hash", "model_version")]
)
_CHANGED = """
create or replace temp table changed as
select comparables.record_key
from identity.id_comparables as comparables
left join identity.id_scored as scored
    on comparables.record_key = scored.record_key
    and comparables.content_hash = scored.content_hash and scored.model_version = $version
where scored.record_key is null
"""
# Scores of a record that changed or is gone say nothing any more.
_FORGET = """
delete from identity.id_scores where not exists (
    select 1 from identity.id_comparables as one
    anti join changed using (record_key) where one.record_key = id_scores.record_key
) or not exists (
    select 1 from identity.id_comparables as other
    anti join changed using (record_key) where other.record_key = id_scores.other_record_key
)
"""
_REMEMBER = """
create or replace table identity.id_scored as
select record_key, content_hash, $version::varchar as model_version from identity.id_comparables
"""


@dataclass(frozen=True)
class Matched:
    """How many records were scored anew, how many pairs are kept, and what became of them."""

    model_version: str
    records_scored: int
    pairs_kept: int
    verdicts: dict[str, int]


def load_model(project_dir: Path) -> Model:
    """The model of a dbt project. Raises SourceError or StaleParameters with the fix."""
    settings = load_settings(project_dir)
    return Model(settings, load_parameters(settings, project_dir))


def match(connection: duckdb.DuckDBPyConnection, model: Model) -> Matched:
    """Bring identity.id_scores up to date and write identity.id_proposals.

    The scores and what is known of them change in one transaction, so a run that is killed repeats.
    """
    for table, schema in (("id_scores", SCORES), ("id_scored", _SCORED)):
        if not has_table(connection, "identity", table):
            replace_table(connection, "identity", table, schema.empty_table())
    version = model.version
    with warehouse_transaction(connection):
        scored = _update_scores(connection, model, version)
    # After the commit: DuckDB takes what its own open transaction wrote for empty, and joins it by
    # nested loops.
    proposals = propose(connection, model)
    replace_table(connection, "identity", "id_proposals", proposals)
    (kept,) = connection.execute("select count(*) from identity.id_scores").fetchone() or (0,)
    counts = proposals["verdict"].value_counts().to_pylist()
    return Matched(version, scored, kept, {one["values"]: one["counts"] for one in counts})


def _update_scores(connection: duckdb.DuckDBPyConnection, model: Model, version: str) -> int:
    connection.execute(_CHANGED, {"version": version})
    (changed, records) = connection.execute(
        "select (select count(*) from changed), (select count(*) from identity.id_comparables)"
    ).fetchone() or (0, 0)
    if changed > MOST_CHANGED * records:
        connection.execute("delete from identity.id_scores")
        scores = score(model, _records(connection, "true"))
        changed = records
    else:
        connection.execute(_FORGET)
        scores = _score_changed(connection, model) if changed else SCORES.empty_table()
    connection.register("new_scores", scores)
    connection.execute("insert into identity.id_scores select * from new_scores")
    connection.unregister("new_scores")
    connection.execute(_REMEMBER, {"version": version})
    return int(changed)


def _score_changed(connection: duckdb.DuckDBPyConnection, model: Model) -> pa.Table:
    is_changed = "record_key in (select record_key from changed)"
    return score(
        model,
        _records(connection, f"not {is_changed}"),
        new=_records(connection, is_changed),
    )


def _records(connection: duckdb.DuckDBPyConnection, condition: str) -> pa.Table:
    # In the order of their keys: nothing of a score may hang on the order of the rows.
    return connection.execute(
        "select * exclude (content_hash) from identity.id_comparables "
        f"where {condition} order by record_key"
    ).to_arrow_table()
