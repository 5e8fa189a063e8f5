"""The probabilistic layer on public sets, and Splink's tutorial on the same rows."""

import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from activation.decisions.literals import text
from orchestration.matching.communities import communities
from orchestration.matching.scoring import Model, score
from orchestration.matching.settings import MatchSettings
from orchestration.matching.training import train
from tests.benchmarks import _reference_sets as sets
from tests.benchmarks._partitions import Agreement, agreement

HISTORICAL_FILE = "historical_figures_with_errors_50k.parquet"
HISTORICAL_F1, HISTORICAL_BCUBED, FEBRL_F1 = 0.88, 0.91, 0.998
_SCORED = "select label.cluster, records.person from records inner join label using (record_key)"


def measure_reference_sets(folder: Path) -> list[bool]:
    """Print the figures of each set that is in the folder; whether each meets its goals."""
    met = []
    for name in ("febrl1", "febrl2", "febrl3"):
        path = folder / f"{name}.csv"
        if _there(name, path):
            reached = _measured(name, sets.FEBRL_SQL, path, sets.FEBRL)
            print(f"  goals: F1 {reached.f1:.4f} (>= {FEBRL_F1})")
            met.append(reached.f1 >= FEBRL_F1)
    path = folder / HISTORICAL_FILE
    if _there("historical figures", path):
        reached = _measured("historical figures", sets.HISTORICAL_SQL, path, sets.HISTORICAL)
        baseline = _timed("Splink's tutorial", sets.HISTORICAL_SQL, path, _tutorial)
        print(
            f"  goals: F1 {reached.f1:.4f} (>= {HISTORICAL_F1}), B-cubed {reached.bcubed_f1:.4f} "
            f"(>= {HISTORICAL_BCUBED}); {reached.f1 / baseline.f1:.3f} x Splink's tutorial F1"
        )
        met.append(reached.f1 >= HISTORICAL_F1 and reached.bcubed_f1 >= HISTORICAL_BCUBED)
    return met


def _there(name: str, path: Path) -> bool:
    if not path.is_file():
        print(f"{name}: left out, {path} is not there")
    return path.is_file()


def _measured(name: str, sql: str, path: Path, settings: MatchSettings) -> Agreement:
    print(f"{name}:")

    def layer(connection: duckdb.DuckDBPyConnection) -> pa.Table:
        parameters = train(connection, "records", settings)
        records = connection.execute(
            "select * exclude (person) from records order by record_key"
        ).to_arrow_table()
        scores = score(Model(settings, parameters), records)
        return _groups(records["record_key"], scores, settings)

    return _timed("this layer", sql, path, layer)


def _groups(keys: pa.ChunkedArray, scores: pa.Table, settings: MatchSettings) -> pa.Table:
    """What the product makes of scores where no rule and no guard has a word."""
    linked = scores.filter(
        pa.compute.greater_equal(scores["probability"], settings.thresholds.link)
    )
    names = np.array(keys.to_pylist())
    left, right = (
        np.searchsorted(names, np.array(linked[side].to_pylist()))
        for side in ("record_key", "other_record_key")
    )
    group = communities(
        left,
        right,
        linked["probability"].to_numpy(),
        nodes=len(names),
        resolution=settings.resolution,
        seed=settings.seed,
    )
    return pa.table({"record_key": keys, "cluster": pa.array(group)})


def _timed(
    who: str, sql: str, path: Path, make: Callable[[duckdb.DuckDBPyConnection], pa.Table]
) -> Agreement:
    with duckdb.connect(config={"memory_limit": "4GB"}) as connection:
        connection.execute(f"create table records as {sql.format(path=text(str(path)))}")
        begun = time.process_time()
        label = make(connection)
        seconds = time.process_time() - begun
        connection.register("label", label)
        reached = agreement(connection, _SCORED)
    print(f"  {who:18} {reached.line()}, {seconds:.0f} CPU s")
    return reached


def _tutorial(connection: duckdb.DuckDBPyConnection) -> pa.Table:
    """Splink's own tutorial for these rows: its blocking, comparisons, training and threshold."""
    import splink.comparison_library as cl
    from splink import DuckDBAPI, Linker, SettingsCreator, block_on

    connection.execute(
        "create table tutorial as select record_key, given as first_name, family as surname, dob, "
        "postcode as postcode_fake, birth_place, occupation, "
        "given || ' ' || family as first_name_surname_concat from records"
    )
    rules = (
        ("substr(first_name,1,3)", "substr(surname,1,4)"),
        ("surname", "dob"),
        ("first_name", "dob"),
        ("postcode_fake", "first_name"),
        ("postcode_fake", "surname"),
        ("dob", "birth_place"),
        ("substr(postcode_fake,1,3)", "dob"),
        ("substr(postcode_fake,1,3)", "first_name"),
        ("substr(postcode_fake,1,3)", "surname"),
        ("substr(first_name,1,2)", "substr(surname,1,2)", "substr(dob,1,4)"),
    )
    settings = SettingsCreator(
        link_type="dedupe_only",
        unique_id_column_name="record_key",
        blocking_rules_to_generate_predictions=[block_on(*rule) for rule in rules],
        comparisons=[
            cl.ForenameSurnameComparison(
                "first_name",
                "surname",
                forename_surname_concat_col_name="first_name_surname_concat",
            ),
            cl.DateOfBirthComparison("dob", input_is_string=True),
            cl.PostcodeComparison("postcode_fake"),
            cl.ExactMatch("birth_place").configure(term_frequency_adjustments=True),
            cl.ExactMatch("occupation").configure(term_frequency_adjustments=True),
        ],
    )
    api = DuckDBAPI(connection=connection)
    made = Linker(
        api.register("tutorial", dataset_display_name="tutorial_records"),
        settings,
        log_level="ERROR",
    )
    made.training.estimate_probability_two_random_records_match(
        [
            "l.first_name = r.first_name and levenshtein(r.dob, l.dob) <= 1",
            "l.surname = r.surname and levenshtein(r.dob, l.dob) <= 1",
            "l.first_name = r.first_name and levenshtein(r.surname, l.surname) <= 2",
        ],
        recall=0.6,
    )
    made.training.estimate_u_using_random_sampling(max_pairs=5e6, seed=1)
    for rule in (("first_name", "surname"), ("dob",)):
        made.training.estimate_parameters_using_expectation_maximisation(block_on(*rule))
    scored = made.inference.predict(threshold_match_probability=0.2)
    grouped = made.clustering.cluster_pairwise_predictions_at_threshold(
        scored, threshold_match_probability=0.95
    )
    return connection.execute(
        f"select record_key, cluster_id as cluster from {grouped.physical_name}"
    ).to_arrow_table()
