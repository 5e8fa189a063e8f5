"""Evaluate the contracts of a gate, and keep the verdict where decisions and syncs read it.

A blocking Dagster check protects its own run alone: a later run that selects only what lies behind
the gate would pass. So the verdict is also a row of `gate.gate_outcome` with an expiry; no row, or
an expired one, is a closed gate.
"""

import logging
from datetime import datetime, timedelta
from typing import Any

import duckdb

from expectations.contract import Contract, Gate
from expectations.outcome import Outcome, State, gate_state

VALID_FOR = timedelta(hours=6)
HISTORY_RUNS = 14
SAMPLE_ROWS = 5

_TABLES = """
create schema if not exists gate;
create table if not exists gate.gate_outcome (
    gate varchar not null,
    evaluated_at timestamptz not null,
    valid_until timestamptz not null,
    state varchar not null,
    reasons varchar[] not null,
    primary key (gate, evaluated_at)
);
create table if not exists gate.contract_outcome (
    gate varchar not null,
    table_name varchar not null,
    rule varchar not null,
    evaluated_at timestamptz not null,
    state varchar not null,
    blocking boolean not null,
    observed varchar,
    unexpected bigint,
    primary key (gate, table_name, rule, evaluated_at)
);
"""


class GateClosedError(RuntimeError):
    """What lies behind the gate may not run; the message says which rules closed it."""


def evaluate(
    connection: duckdb.DuckDBPyConnection,
    contracts: tuple[Contract, ...],
    gate: Gate,
    as_of: datetime,
) -> list[Outcome]:
    """Judge every contract of `gate` against the open warehouse, in one GX context.

    Great Expectations takes five seconds to import, so it is imported here and not at the top.
    """
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    from expectations.duckdb_source import add_duckdb_source

    connection.execute(_TABLES)
    chosen = [contract for contract in contracts if contract.gate == gate]
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    schemas = sorted({contract.schema_name for contract in chosen})
    source = add_duckdb_source(context, connection, schemas)
    try:
        judged = [_judge(source, connection, contract, as_of) for contract in chosen]
    finally:
        source.get_engine().dispose()
    return [outcome for outcomes in judged for outcome in outcomes]


def record(
    connection: duckdb.DuckDBPyConnection, gate: Gate, outcomes: list[Outcome], as_of: datetime
) -> State:
    """Write the gate's verdict and its rules' outcomes, replacing those of the same as_of."""
    state = gate_state(outcomes)
    reasons = [f"{one.table}: {one.rule} ({one.state})" for one in outcomes if one.closes_gate]
    connection.execute(_TABLES)
    connection.execute("begin")
    connection.execute(
        "delete from gate.gate_outcome where (gate, evaluated_at) = (?, ?)", [gate, as_of]
    )
    connection.execute(
        "delete from gate.contract_outcome where (gate, evaluated_at) = (?, ?)", [gate, as_of]
    )
    connection.execute(
        "insert into gate.gate_outcome values (?, ?, ?, ?, ?)",
        [gate, as_of, as_of + VALID_FOR, state, reasons],
    )
    connection.executemany(
        "insert into gate.contract_outcome values (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            [
                gate,
                one.table,
                one.rule,
                as_of,
                one.state,
                one.blocking,
                one.observed,
                one.unexpected,
            ]
            for one in outcomes
        ],
    )
    connection.execute("commit")
    return state


def require_open(connection: duckdb.DuckDBPyConnection, gate: Gate, as_of: datetime) -> None:
    """Raise GateClosedError unless the newest verdict up to `as_of` passed and has not expired."""
    connection.execute(_TABLES)
    newest = connection.execute(
        """
        select state, valid_until, reasons from gate.gate_outcome
        where gate = ? and evaluated_at <= ? order by evaluated_at desc limit 1
        """,
        [gate, as_of],
    ).fetchone()
    if newest is None:
        raise GateClosedError(f"gate {gate}: not evaluated yet; run the whole job")
    state, valid_until, reasons = newest
    if valid_until < as_of:
        raise GateClosedError(
            f"gate {gate}: its verdict expired at {valid_until}; run the whole job"
        )
    if state != "passed":
        raise GateClosedError(f"gate {gate} is closed: " + "; ".join(reasons))


def _judge(
    source: Any, connection: duckdb.DuckDBPyConnection, contract: Contract, as_of: datetime
) -> list[Outcome]:
    from expectations.suite import compile_contract

    suite = compile_contract(contract, as_of, _row_count_history(connection, contract, as_of))
    asset = source.add_table_asset(contract.table, table_name=contract.table_name)
    batch = asset.add_batch_definition_whole_table("all").get_batch()
    results = {
        one.expectation_config.meta["rule"]: one
        for one in _validate(batch, suite, contract.key).results
    }
    for expectation in suite.expectations:
        # Great Expectations bundles metrics into one query, so a rule that can't be evaluated takes
        # others with it: judge each of them again, alone.
        rule = expectation.meta["rule"]
        if _exception(results[rule]) is not None:
            results[rule] = _validate(batch, expectation, contract.key)
    return [
        _outcome(contract, rule, description, blocking, results[rule])
        for rule, description, blocking in contract.checks()
    ]


def _validate(batch: Any, what: Any, key: list[str]) -> Any:
    return batch.validate(
        what,
        result_format={
            "result_format": "COMPLETE",
            "unexpected_index_column_names": key,
            "exclude_unexpected_values": True,
        },
    )


def _outcome(
    contract: Contract, rule: str, description: str, blocking: bool, result: Any
) -> Outcome:
    error = _exception(result)
    state: State = "passed" if result.success else "failed"
    if error is not None:
        state = "not_evaluated"
    observed = result.result.get("observed_value")
    unexpected = result.result.get("unexpected_count")
    if unexpected is None and rule != "volume":
        unexpected = observed
    return Outcome(
        table=contract.table,
        rule=rule,
        description=description,
        state=state,
        blocking=blocking,
        observed=None if observed is None else str(observed),
        unexpected=unexpected if isinstance(unexpected, int) else None,
        sample=_sample(result.result),
        error=error,
    )


def _exception(result: Any) -> str | None:
    """The class of the error that kept a rule from being judged; its text may quote values."""
    information = result.exception_info or {}
    entries = information.values() if "raised_exception" not in information else [information]
    for entry in entries:
        if entry.get("raised_exception"):
            return str(entry.get("exception_message", "")).split("\n", 1)[0][:200]
    return None


def _sample(result: dict[str, Any]) -> tuple[str, ...]:
    listed = result.get("unexpected_index_list") or []
    keys: list[str] = []
    for entry in listed:
        columns = [value if isinstance(value, list) else [value] for value in entry.values()]
        keys.extend("/".join(str(part) for part in key) for key in zip(*columns, strict=True))
    return tuple(keys[:SAMPLE_ROWS])


def _row_count_history(
    connection: duckdb.DuckDBPyConnection, contract: Contract, as_of: datetime
) -> list[int]:
    rows = connection.execute(
        """
        select cast(observed as bigint) from gate.contract_outcome
        where table_name = ? and rule = 'volume' and state = 'passed' and evaluated_at < ?
        order by evaluated_at desc limit ?
        """,
        [contract.table, as_of, HISTORY_RUNS],
    ).fetchall()
    return [count for (count,) in rows]
