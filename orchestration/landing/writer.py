"""Writes the batches of one file: each record to its landing table or to the quarantine."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import duckdb
import pyarrow as pa

from expectations.policy.graph import Relation
from expectations.policy.retention import RetentionRule, rule_of
from orchestration.landing.contract import ColumnContract, EntityContract
from orchestration.landing.erased import ErasedRows, Matcher
from orchestration.landing.expiry import moment, over_age
from orchestration.landing.records import LINE, RAW, Batch, Reject
from orchestration.landing.rules import Rule, literal, rules_of, text_name, typed
from orchestration.landing.tables import METADATA_COLUMNS, QUARANTINE_RETENTION, landing_table
from orchestration.warehouse import quote

_BATCH = "landing_batch"
_CHECKED = "landing_checked"
_REJECTS = "landing_rejects"
_REJECT_SCHEMA = pa.schema(
    {
        "line": pa.int64(),
        "field": pa.string(),
        "reason": pa.string(),
        "detail": pa.string(),
        "raw": pa.string(),
    }
)


@dataclass(frozen=True)
class Origin:
    """Where a file's rows come from, as written beside each of them."""

    file: str
    rank: str
    digest: str
    loaded_at: datetime


@dataclass
class Tally:
    """Rows of one file: `rows_in` counted as read, the others as the warehouse stored them."""

    rows_in: int = 0
    rows_accepted: int = 0
    rows_expired: int = 0
    erased_lines: list[int] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)

    @property
    def rows_quarantined(self) -> int:
        """Rows in quarantine."""
        return self.reasons.total()

    @property
    def rows_erased(self) -> int:
        """Rows of erased persons."""
        return len(self.erased_lines)

    @property
    def rows_out(self) -> int:
        """Rows that came to an end, whichever."""
        return self.rows_accepted + self.rows_quarantined + self.rows_expired + self.rows_erased


@dataclass(frozen=True)
class LandingPolicy:
    """What may not be loaded: what retention ends, by the labels, and rows of erased persons."""

    relations: Mapping[str, Relation]
    matchers: Mapping[str, Matcher]
    erased: ErasedRows | None

    def rule_of(self, table: str) -> RetentionRule | None:
        """The retention of one landing table, if it has any."""
        relation = self.relations.get(table)
        return rule_of(relation) if relation else None


class FileWriter:
    """Judges and writes the batches of one file, inside the caller's transaction."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        contract: EntityContract,
        origin: Origin,
        policy: LandingPolicy,
    ) -> None:
        self._connection = connection
        self._contract = contract
        self._origin = origin
        self._rules = rules_of(contract)
        self._retention = policy.rule_of(contract.table)
        self._matcher = policy.matchers.get(contract.table)
        self._erased = policy.erased
        self.tally = Tally()

    def write(self, batch: Batch, missing: list[str]) -> None:
        """Write a batch; where columns are `missing`, all of it goes to quarantine."""
        self.tally.rows_in += batch.rows
        if batch.rejects:
            self._write_rejects(batch.rejects)
        if not batch.table.num_rows:
            return
        rules = [_missing_rule(name) for name in missing[:1]] or self._rules
        self._check(batch.table, rules)
        self._drop_erased()
        self._drop_expired()
        self._write_accepted()
        self._write_quarantined(rules)
        self._connection.execute(f"drop table {_CHECKED}")

    def _check(self, table: pa.Table, rules: list[Rule]) -> None:
        """Type each value, and number the first rule that each record breaks.

        Only a broken record keeps its raw text: as it came, or composed where the format has none.
        """
        present = set(table.column_names)
        columns = self._contract.columns
        texts = ", ".join(f"{_text(c, present)} as {text_name(c)}" for c in columns)
        values = ", ".join(f"{typed(c)} as {quote(c.name)}" for c in columns)
        names = ", ".join(quote(c.name) for c in columns)
        pairs = ", ".join(f"{literal(c.name)}: {text_name(c)}" for c in columns)
        broken = " ".join(f"when {rule.condition} then {i}" for i, rule in enumerate(rules))
        self._connection.register(_BATCH, table)
        self._connection.execute(
            f"create temp table {_CHECKED} as "
            f"with texts as (select {LINE}, {RAW}, {texts} from {_BATCH}), "
            f"typed as (select *, {values} from texts), "
            f"judged as (select *, case {broken} end as _broken from typed) "
            f"select {LINE}, {names}, _broken, case when _broken is not null "
            f"then coalesce({RAW}, cast(to_json({{{pairs}}}) as varchar)) end as {RAW} from judged"
        )
        self._connection.unregister(_BATCH)

    def _drop_erased(self) -> None:
        """Rows of erased persons go nowhere, also not to quarantine."""
        marked = self._erased.mark(_CHECKED, LINE, self._matcher) if self._erased else None
        if marked:
            lines = self._connection.execute(f"select line from {marked} order by line")
            self.tally.erased_lines += [line for (line,) in lines.fetchall()]
            self._connection.execute(f"delete from {_CHECKED} where {LINE} in {marked}")

    def _drop_expired(self) -> None:
        rule = self._retention
        if rule is not None and rule.row_days is not None:
            condition = over_age(rule, rule.row_days, moment(self._origin.loaded_at))
            self.tally.rows_expired += self._insert(f"delete from {_CHECKED} where {condition}", {})

    def _kept_cell(self, column: str) -> str:
        """SQL of a column's value, null where retention has ended it."""
        days = dict(self._retention.cell_days).get(column) if self._retention else None
        if days is None or self._retention is None:
            return quote(column)
        condition = over_age(self._retention, days, moment(self._origin.loaded_at))
        return f"case when not coalesce({condition}, false) then {quote(column)} end"

    def _write_accepted(self) -> None:
        names = ", ".join(quote(column.name) for column in self._contract.columns)
        values = ", ".join(self._kept_cell(column.name) for column in self._contract.columns)
        origin = self._origin
        self.tally.rows_accepted += self._insert(
            f"insert into {landing_table(self._contract)} ({names}, {', '.join(METADATA_COLUMNS)}) "
            f"select {values}, $file, $rank, {LINE}, $digest, $loaded_at "
            f"from {_CHECKED} where _broken is null",
            {
                "file": origin.file,
                "rank": origin.rank,
                "digest": origin.digest,
                "loaded_at": origin.loaded_at,
            },
        )

    def _write_quarantined(self, rules: list[Rule]) -> None:
        counts = self._connection.execute(
            f"select _broken, count(*) from {_CHECKED} where _broken is not null group by _broken"
        ).fetchall()
        if not counts:
            return
        meanings = ", ".join(
            f"({i}, {literal(rule.field)}, {literal(rule.reason)}, {literal(rule.detail)})"
            for i, rule in enumerate(rules)
        )
        self._insert_quarantine(
            f"select {LINE} as line, field, reason, detail, {RAW} as raw from {_CHECKED} "
            f"join (values {meanings}) as meaning(number, field, reason, detail) "
            "on _broken = number"
        )
        for number, count in counts:
            self.tally.reasons[rules[number].reason] += count

    def _write_rejects(self, rejects: tuple[Reject, ...]) -> None:
        rejects = self._without_erased(rejects)
        table = pa.Table.from_pylist([vars(reject) for reject in rejects], _REJECT_SCHEMA)
        self._connection.register(_REJECTS, table)
        stored = self._insert_quarantine(f"select * from {_REJECTS}")
        self._connection.unregister(_REJECTS)
        if stored == len(rejects):
            self.tally.reasons.update(reject.reason for reject in rejects)

    def _without_erased(self, rejects: tuple[Reject, ...]) -> tuple[Reject, ...]:
        if self._erased is None:
            return rejects
        kinds = [kind for _, kind in self._matcher.ids] if self._matcher else []
        named = [one for one in rejects if self._erased.in_text(one.raw, kinds)]
        self.tally.erased_lines += [one.line for one in named]
        return tuple(one for one in rejects if one not in named)

    def _insert_quarantine(self, rows: str) -> int:
        origin = self._origin
        return self._insert(
            "insert into landing.quarantine (file, digest, line, system, entity, field, reason, "
            "detail, raw, loaded_at, expires_at) select $file, $digest, line, $system, $entity, "
            f"field, reason, detail, raw, $loaded_at, $expires_at from ({rows})",
            {
                "file": origin.file,
                "digest": origin.digest,
                "system": self._contract.system,
                "entity": self._contract.entity,
                "loaded_at": origin.loaded_at,
                "expires_at": origin.loaded_at + QUARANTINE_RETENTION,
            },
        )

    def _insert(self, statement: str, parameters: dict[str, object]) -> int:
        row = self._connection.execute(statement, parameters).fetchone()
        return int(row[0]) if row else 0


def _text(column: ColumnContract, present: set[str]) -> str:
    if column.name not in present:
        return "cast(null as varchar)"
    name = quote(column.name)
    return f"nullif({name}, '')" if column.data_type == "varchar" else f"nullif(trim({name}), '')"


def _missing_rule(name: str) -> Rule:
    return Rule(name, "missing_column", "the file lacks this column", "true")
