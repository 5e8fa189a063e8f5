"""Splink, told our settings: the one module that builds its model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa

from orchestration.matching.parameters import Parameters
from orchestration.matching.settings import Comparison, Level, MatchSettings

if TYPE_CHECKING:
    from splink import Linker

KEY = "record_key"
# Splink's own name for a comparison's level in a scored pair: 0 is what is left, -1 is missing.
LEVEL_PREFIX, WEIGHT_PREFIX = "gamma_", "mw_"
# A level that no pair reached in training: as rare as can be told, never impossible.
LEAST_PROBABILITY = 1e-7


def splink_settings(
    settings: MatchSettings,
    parameters: Parameters | None = None,
    known_u: dict[tuple[str, int], float] | None = None,
) -> dict[str, Any]:
    """Splink's settings: trained where `parameters` are given, else with the u that is computed.

    `known_u` maps a comparison and the position of a level to its u.
    """
    return {
        "link_type": "dedupe_only",
        "unique_id_column_name": KEY,
        "probability_two_random_records_match": parameters.prior if parameters else 1e-4,
        "retain_matching_columns": True,
        "retain_intermediate_calculation_columns": True,
        "max_iterations": 50,
        "blocking_rules_to_generate_predictions": [
            {"blocking_rule": agreeing(rule), "sql_dialect": "duckdb"} for rule in settings.blocking
        ],
        "comparisons": [
            _comparison(one, parameters, known_u or {}) for one in settings.comparisons
        ],
    }


def linker(
    connection: duckdb.DuckDBPyConnection, table: str, splink: dict[str, Any], columns: list[str]
) -> Linker:
    """A linker over a table of the connection; `columns` are those of our own that it keeps."""
    from splink import DuckDBAPI, Linker

    api = DuckDBAPI(connection=connection)
    return Linker(
        api.register(table, dataset_display_name=f"{table}_records"),
        {**splink, "additional_columns_to_retain": columns},
        log_level="ERROR",
    )


def register_frequencies(made: Linker, parameters: Parameters) -> None:
    """Hand over the frequencies of the parameters; a value that is not listed weighs as others."""
    for column, shares in parameters.frequencies.items():
        table = pa.table(
            {column: list(shares), f"tf_{column}": pa.array(shares.values(), pa.float64())}
        )
        frame = made._db_api.register(table, dataset_display_name=f"frequencies_of_{column}")
        made.table_management.register_term_frequency_lookup(frame, column)


def _comparison(
    one: Comparison, parameters: Parameters | None, known_u: dict[tuple[str, int], float]
) -> dict[str, Any]:
    levels: list[dict[str, Any]] = [
        {"sql_condition": one.missing, "label_for_charts": "missing", "is_null_level": True}
    ]
    for position, level in enumerate(one.levels):
        made: dict[str, Any] = {
            "sql_condition": level.when,
            "label_for_charts": level.words,
            **_frequency(level),
        }
        if (one.name, position) in known_u:
            made |= {"u_probability": known_u[one.name, position], "fix_u_probability": True}
        levels.append(made)
    levels.append({"sql_condition": "ELSE", "label_for_charts": one.otherwise})
    if parameters:
        for made, (m, u) in zip(levels[1:], parameters.levels[one.name], strict=True):
            made |= {"m_probability": m, "u_probability": u}
    return {"output_column_name": one.name, "comparison_levels": levels}


def _frequency(level: Level) -> dict[str, Any]:
    return {"tf_adjustment_column": level.frequency_of} if level.frequency_of else {}


def agreeing(rule: tuple[str, ...]) -> str:
    """The condition that both records of a pair have the same value of each expression."""
    return " and ".join(f"({_sided(part, 'l')}) = ({_sided(part, 'r')})" for part in rule)


def _sided(expression: str, side: str) -> str:
    """An expression over columns, over those of one side of a pair."""
    import sqlglot
    from sqlglot import exp

    tree = sqlglot.parse_one(expression, dialect="duckdb")
    for column in tree.find_all(exp.Column):
        column.set("table", exp.to_identifier(side))
    return tree.sql(dialect="duckdb")
