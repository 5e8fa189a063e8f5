"""Scores pairs of records: how probable it is that two are one person, and by what evidence."""

from dataclasses import dataclass

import duckdb
import pyarrow as pa

from activation.decisions.literals import text
from orchestration.matching.linker import (
    KEY,
    LEVEL_PREFIX,
    WEIGHT_PREFIX,
    linker,
    register_frequencies,
    splink_settings,
)
from orchestration.matching.parameters import Parameters, digest_of
from orchestration.matching.settings import Comparison, MatchSettings

# Grain: one row per pair of records, the lesser key first. `match_weight` is the base-2 logarithm
# of the odds, `probability` what it stands for; `evidence` says each comparison that had both
# values, and by how much it moved the weight; `doubt` says why a person is asked about the pair
# however it scores, or is null.
SCORES = pa.schema(
    [
        pa.field("record_key", pa.string(), nullable=False),
        pa.field("other_record_key", pa.string(), nullable=False),
        pa.field("match_weight", pa.float64(), nullable=False),
        pa.field("probability", pa.float64(), nullable=False),
        pa.field("evidence", pa.list_(pa.string()), nullable=False),
        pa.field("doubt", pa.string()),
    ]
)


@dataclass(frozen=True)
class Model:
    """Settings and what was trained for them."""

    settings: MatchSettings
    parameters: Parameters

    @property
    def version(self) -> str:
        """A digest of all that a score follows from but its two records."""
        said = self.settings.model_dump(mode="json")
        return digest_of(
            [self.parameters.version, said["blocking"], said["doubts"], said["thresholds"]]
        )


def score(model: Model, records: pa.Table, new: pa.Table | None = None) -> pa.Table:
    """Scores from the review threshold on, in the order of their keys.

    Without `new` all pairs of `records` are scored. With it, the pairs of a new record with one of
    `records` and with one another; `records` then holds none of the new ones.
    """
    with duckdb.connect(config={"memory_limit": "3GB"}) as connection:
        connection.execute("set enable_external_access = false")
        connection.register("given_records", records)
        connection.execute("create table known as select * from given_records")
        scored = connection.execute(_scored_sql(connection, model, new)).to_arrow_table()
    return scored.cast(SCORES)


def _scored_sql(connection: duckdb.DuckDBPyConnection, model: Model, new: pa.Table | None) -> str:
    columns = [name for name in connection.table("known").columns if name != KEY]
    made = linker(connection, "known", splink_settings(model.settings, model.parameters), columns)
    register_frequencies(made, model.parameters)
    threshold, relations = model.settings.thresholds.review, []
    frames = [next(iter(made._input_tables_dict.values()))]
    if new is not None:
        connection.register("given_new", new)
        connection.execute("create table arrived as select * from given_new")
        frames.insert(0, made._db_api.register("arrived", dataset_display_name="arrived_records"))
        between = made.inference.predict_between(
            *frames, threshold_match_probability=threshold, warning_mode="never"
        )
        relations.append(between.physical_name)
    within = made.inference.predict_within(
        frames[0], threshold_match_probability=threshold, warning_mode="never"
    )
    relations.append(within.physical_name)
    union = " union all ".join(f"from {name}" for name in relations)
    evidence = ", ".join(_evidence(one) for one in model.settings.comparisons)
    doubts = " ".join(f"when {one.when} then {text(one.words)}" for one in model.settings.doubts)
    doubt = f"case {doubts} end" if doubts else "null"
    return f"""
        select
            least({KEY}_l, {KEY}_r) as record_key,
            greatest({KEY}_l, {KEY}_r) as other_record_key,
            round(match_weight, 6) as match_weight, round(match_probability, 9) as probability,
            list_filter([{evidence}], lambda said: said is not null) as evidence,
            {doubt}::varchar as doubt
        from ({union}) order by 1, 2
    """


def _evidence(comparison: Comparison) -> str:
    """SQL: the words of the level that a pair reached, and its weight; null for a missing value."""
    level, weight = LEVEL_PREFIX + comparison.name, WEIGHT_PREFIX + comparison.name
    cases = " ".join(
        f"when {number} then {text(words)}" for number, words in enumerate(comparison.words())
    )
    return f"case {level} {cases} end || printf(' (%+.1f)', {weight}::double)"
