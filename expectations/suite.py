"""Contract -> Great Expectations suite.

Each expectation carries its rule in `meta`, because results come back out of suite order.

References, freshness and whatever DuckDB's dialect lacks become a query for the offending rows: a
foreign key written as a set of 500,000 values took 820 s, the same as an anti-join 0.2 s.
"""

from datetime import datetime, timedelta

import great_expectations.expectations as gxe
from great_expectations.core.expectation_suite import ExpectationSuite
from great_expectations.expectations.expectation import Expectation

from expectations.contract import Contract, Rule


def compile_contract(contract: Contract, as_of: datetime, history: list[int]) -> ExpectationSuite:
    """The suite of one contract at one time. `history` is the row count of earlier passed runs."""
    return ExpectationSuite(
        contract.table,
        expectations=[
            _volume(contract, history),
            _freshness(contract, as_of),
            _unexpected_rows("key_unique", _repeated(contract.table, contract.key)),
            _unexpected_rows("key_present", _missing(contract.table, contract.key)),
            *(_rule(contract.table, rule, as_of) for rule in contract.rules),
        ],
    )


def minimum_rows(contract: Contract, history: list[int]) -> int:
    """The least row count that passes: the contract's, or its share of the median of `history`."""
    share = contract.volume.minimum_share_of_history
    if share is None or not history:
        return contract.volume.minimum_rows
    median = sorted(history)[len(history) // 2]
    return max(contract.volume.minimum_rows, int(median * share))


def _volume(contract: Contract, history: list[int]) -> Expectation:
    return gxe.ExpectTableRowCountToBeBetween(
        min_value=minimum_rows(contract, history), meta={"rule": "volume"}
    )


def _freshness(contract: Contract, as_of: datetime) -> Expectation:
    oldest = as_of - timedelta(hours=contract.freshness.max_age_hours)
    newest = f"max({contract.freshness.column})"
    return _unexpected_rows(
        "freshness",
        f"select {newest} as newest from {contract.freshness.of or contract.table} "
        f"having {newest} is null or {newest} < {_instant(oldest)}",
    )


def _rule(table: str, rule: Rule, as_of: datetime) -> Expectation:
    meta = {"rule": rule.id}
    match rule.check:
        case "not_null":
            return _unexpected_rows(rule.id, _missing(table, rule.columns))
        case "unique":
            return _unexpected_rows(rule.id, _repeated(table, rule.columns))
        case "values":
            return gxe.ExpectColumnValuesToBeInSet(
                column=rule.columns[0], value_set=rule.values, meta=meta
            )
        case "between":
            return gxe.ExpectColumnValuesToBeBetween(
                column=rule.columns[0], min_value=rule.minimum, max_value=rule.maximum, meta=meta
            )
        case "references":
            return _unexpected_rows(rule.id, _unreferenced(table, rule))
        case "sql":
            query = str(rule.sql).replace("{table}", table)
            return _unexpected_rows(rule.id, query.replace("{as_of}", _instant(as_of)))


def _repeated(table: str, columns: list[str]) -> str:
    key = ", ".join(columns)
    return f"select {key}, count(*) as times from {table} group by {key} having count(*) > 1"


def _missing(table: str, columns: list[str]) -> str:
    missing = " or ".join(f"{column} is null" for column in columns)
    return f"select {', '.join(columns)} from {table} where {missing}"


def _unreferenced(table: str, rule: Rule) -> str:
    schema, referred, referred_column = str(rule.references).split(".")
    column = rule.columns[0]
    return (
        f"select referring.{column} from {table} as referring "
        f"left join {schema}.{referred} as referred "
        f"on referring.{column} = referred.{referred_column} "
        f"where referring.{column} is not null and referred.{referred_column} is null"
    )


def _instant(moment: datetime) -> str:
    return f"timestamptz '{moment.isoformat()}'"


def _unexpected_rows(rule_id: str, query: str) -> Expectation:
    # Our queries name their tables, since GX's {batch} brings an alias of its own that breaks
    # `from {batch} as x`; it stands in a comment because GX prints a remark where it is missing.
    # Every other brace is a literal one.
    escaped = query.replace("{", "{{").replace("}", "}}")
    return gxe.UnexpectedRowsExpectation(
        unexpected_rows_query=f"{escaped.strip()} /* {{batch}} */", meta={"rule": rule_id}
    )
