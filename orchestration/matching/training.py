"""Finds the parameters: u from frequencies or a seeded sample, m by expectation maximisation."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from orchestration.matching.linker import LEAST_PROBABILITY, agreeing, linker, splink_settings
from orchestration.matching.parameters import (
    Parameters,
    rounded,
    settings_digest,
    write_parameters,
)
from orchestration.matching.settings import MatchSettings, load_settings
from orchestration.warehouse import has_table

if TYPE_CHECKING:
    from splink import Linker


class TrainingError(ValueError):
    """The records at hand can't train the model."""


def train(connection: duckdb.DuckDBPyConnection, table: str, settings: MatchSettings) -> Parameters:
    """Train on a table of the connection; the same records and settings give the same parameters.

    Raises TrainingError when there are too few records, or none that `certain` conditions join.
    """
    (count,) = connection.execute(f"select count(*) from {table}").fetchone() or (0,)
    if count < 2:
        raise TrainingError("there are no records to train on. Fix: `assent run` first")
    known_u = _computed_u(connection, table, settings)
    made = linker(connection, table, splink_settings(settings, known_u=known_u), [])
    plan = settings.training
    made.training.estimate_probability_two_random_records_match(
        [agreeing(one) for one in plan.certain], recall=plan.recall
    )
    made.training.estimate_u_using_random_sampling(
        max_pairs=plan.pairs, seed=plan.seed, min_count_per_level=None, num_chunks=1
    )
    for blocking in plan.blocking:
        made.training.estimate_parameters_using_expectation_maximisation(
            agreeing(blocking),
            estimate_without_term_frequencies=True,
            max_pairs=plan.em_pairs,
            record_sample_proportion=1.0,
        )
    return _parameters(connection, table, settings, made, count)


def train_project(
    connection: duckdb.DuckDBPyConnection, project_dir: Path
) -> tuple[Path, Parameters]:
    """Train a dbt project's settings on identity.id_comparables; write and return the parameters.

    Splink works in memory, on a copy: it leaves nothing in the warehouse. Raises SourceError for
    the settings, TrainingError when there is nothing to train on.
    """
    settings = load_settings(project_dir)
    if not has_table(connection, "identity", "id_comparables"):
        raise TrainingError("the warehouse holds no comparable records. Fix: `assent run` first")
    records = connection.execute(
        "select * exclude (content_hash) from identity.id_comparables order by record_key"
    ).to_arrow_table()
    with duckdb.connect(config={"memory_limit": "3GB"}) as memory:
        memory.register("given_records", records)
        memory.execute("create table records as select * from given_records")
        parameters = train(memory, "records", settings)
    return write_parameters(parameters, project_dir), parameters


def _computed_u(
    connection: duckdb.DuckDBPyConnection, table: str, settings: MatchSettings
) -> dict[tuple[str, int], float]:
    """u of each level that is an equality: of all pairs that have both values, the equal ones.

    A random sample of a million pairs holds none that share an e-mail address, and a level that was
    never seen has no weight.
    """
    return {
        (one.name, position): max(
            _share_of_equal_pairs(connection, table, level.equal), LEAST_PROBABILITY
        )
        for one in settings.comparisons
        for position, level in enumerate(one.levels)
        if level.equal
    }


def _share_of_equal_pairs(
    connection: duckdb.DuckDBPyConnection, table: str, columns: tuple[str, ...]
) -> float:
    listed = ", ".join(columns)
    present = " and ".join(f"{column} is not null" for column in columns)
    row = connection.execute(
        f"select sum(n * (n - 1)) / (sum(n) * (sum(n) - 1)) from "
        f"(select count(*)::double as n from {table} where {present} group by {listed})"
    ).fetchone()
    return float(row[0] or 0.0) if row else 0.0


def _parameters(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    settings: MatchSettings,
    made: Linker,
    records: int,
) -> Parameters:
    model: dict[str, Any] = made.misc.save_model_to_json()
    return Parameters(
        trained_for=settings_digest(settings),
        records=records,
        prior=rounded(float(model["probability_two_random_records_match"])),
        levels={
            one["output_column_name"]: tuple(
                (_share(level.get("m_probability")), _share(level.get("u_probability")))
                for level in one["comparison_levels"]
                if not level.get("is_null_level")
            )
            for one in model["comparisons"]
        },
        frequencies={
            column: _frequencies(connection, table, column, settings.training.frequent)
            for column in settings.frequency_columns()
        },
    )


def _share(value: Any) -> float:
    return rounded(max(float(value), LEAST_PROBABILITY)) if value is not None else LEAST_PROBABILITY


def _frequencies(
    connection: duckdb.DuckDBPyConnection, table: str, column: str, frequent: int
) -> dict[str, float]:
    rows = connection.execute(
        f"select {column}, count(*) / sum(count(*)) over () from {table} "
        f"where {column} is not null group by {column} "
        f"qualify count(*) >= {frequent} order by {column}"
    ).fetchall()
    return {str(value): rounded(share) for value, share in rows}
