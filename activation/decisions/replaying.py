"""Decide a batch of the log again, from what was recorded with it, and compare row by row.

The recorded tables are put into an empty DuckDB under the names that decide() reads, the acts of
earlier batches beside them, and the same compiled statement runs. Rows are compared as leaves of
the log: sealed again with the key from their opening, they must have the same hash.
"""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from activation.decisions.contract import SCHEMA
from activation.decisions.deciding import decide
from activation.decisions.gates import Gate, Outcome
from activation.decisions.literals import instant_text
from activation.decisions.recording import FORMAT
from activation.decisions.tables import append_decisions, ensure_tables
from activation.journeys.fields import FieldType
from activation.journeys.loading import JourneySet
from activation.journeys.node import Node
from activation.journeys.policies import Policies
from activation.log import DecisionLog, Inputs, LogError
from activation.release.release import Release, canonical

#: The table of the inputs that holds the verdicts of the time.
APPROVALS = "approvals"
_BEFORE_APPROVAL = sum(gate.bit for gate in Gate if gate <= Gate.VOLUME)


class ReplayImpossible(LogError):
    """The batch has no recorded inputs, or they are not those of its release."""


@dataclass(frozen=True)
class Difference:
    """One decision that doesn't come out as it was sealed.

    `what` is missing (sealed, not decided again), extra (decided again, not sealed), or changed,
    then with the columns that differ as (sealed, decided again), and the gates that do.
    """

    what: str
    node: str
    decision_id: str
    seq: int | None = None
    columns: Mapping[str, tuple[object, object]] | None = None
    gates: tuple[str, ...] = ()

    def __str__(self) -> str:
        place = f", seq {self.seq}" if self.seq is not None else ""
        parts = [f"{self.decision_id} ({self.node}{place}): {self.what}"]
        if self.gates:
            parts.append("by gate " + ", ".join(self.gates))
        # A context is personal data and may be long: that it differs is told, not how.
        parts += [
            name if name == "context" else f"{name} was {sealed}, is {again}"
            for name, (sealed, again) in (self.columns or {}).items()
        ]
        return "; ".join(parts)


@dataclass(frozen=True)
class Replay:
    """What came of deciding a batch again: rows by how they compare, and each difference."""

    batch: int
    identical: int
    erased: int
    differences: tuple[Difference, ...]

    @property
    def ok(self) -> bool:
        """Whether every row that can be decided again came out as it was sealed."""
        return not self.differences


def replay(log: DecisionLog, batch: int, journeys: JourneySet | None = None) -> Replay:
    """Decide a batch again; with other `journeys`, as if those had been the rules then.

    Rows of erased persons can't be decided again and are counted as erased; of a volume they took
    their share all the same. Raises ReplayImpossible, LogDamaged.
    """
    recorded = log.inputs(batch)
    if recorded is None:
        raise ReplayImpossible(f"batch {batch}: its inputs were not recorded, or have expired")
    facts = recorded.inputs.facts
    [header] = [one for one in log.batches() if one.number == batch]
    release = _release(batch, facts, header.release, instant_text(header.as_of))
    sealed = log.read(batch)
    opened = log.openings(batch)
    opened = opened.filter(opened["context"].is_valid())
    with recorded_world(log, recorded.inputs) as connection:
        _take_volume_of_erased(connection, sealed, opened, header.as_of)
        rows = decide(
            connection,
            journeys=journeys
            or journeys_of(facts["manifest"], facts["halted"], facts.get("refused", ())),
            release=release,
            as_of=header.as_of,
            approvals=recorded.inputs.tables[APPROVALS],
        )
    return compare(log, batch, sealed, opened, rows, facts["decided"] == len(sealed))


def _release(batch: int, facts: Mapping[str, Any], sealed: str, as_of: str) -> Release:
    if facts.get("format") != FORMAT:
        raise ReplayImpossible(f"batch {batch}: inputs of format {facts.get('format')}")
    if facts["as_of"] != as_of:
        raise ReplayImpossible(f"batch {batch}: inputs of another instant, {facts['as_of']}")
    digest = sha256(canonical(facts["manifest"]).encode()).hexdigest()
    if (facts["release"], facts["digest"]) != (sealed, digest) or sealed != f"r_{digest[:12]}":
        raise ReplayImpossible(
            f"batch {batch}: sealed under release {sealed}, its inputs hold r_{digest[:12]}"
        )
    return Release(sealed, digest, facts["manifest"])


def journeys_of(
    manifest: Mapping[str, Any], halted: Collection[str], refused: Collection[str] = ()
) -> JourneySet:
    """The journeys as a release's manifest states them, with these nodes halted, and without those
    whose context bundle was refused."""
    nodes = [
        Node.model_validate(_with_values(content))
        for name, content in manifest["journeys"].items()
        if name not in refused
    ]
    ordered = sorted(nodes, key=lambda node: (node.priority, node.id))
    return JourneySet(
        tuple(
            node.model_copy(update={"halted": True}) if node.id in halted else node
            for node in ordered
        ),
        Policies.model_validate(manifest["policies"]),
    )


def _with_values(content: Mapping[str, Any]) -> dict[str, Any]:
    """A node's content in which its examples give dates and numbers again, not their text."""
    read = {
        FieldType.DATE: date.fromisoformat,
        FieldType.INSTANT: datetime.fromisoformat,
        FieldType.DECIMAL: Decimal,
    }
    types = {name: FieldType(kind) for name, kind in content["fields"].items()}
    examples = [
        example
        | {
            "given": {
                name: read[types[name]](value)
                if types[name] in read and value is not None
                else value
                for name, value in example["given"].items()
            }
        }
        for example in content["examples"]
    ]
    return {**content, "examples": examples}


@contextmanager
def recorded_world(log: DecisionLog, inputs: Inputs) -> Iterator[duckdb.DuckDBPyConnection]:
    """An empty warehouse with a batch's inputs and the history that it was decided after."""
    as_of = datetime.fromisoformat(inputs.facts["as_of"])
    with duckdb.connect() as connection:
        restore(connection, inputs)
        restore_history(connection, log, int(inputs.facts["history_through_batch"]), as_of)
        yield connection


def restore(connection: duckdb.DuckDBPyConnection, inputs: Inputs) -> None:
    """Create the recorded tables, under the names that decisions read, in an empty warehouse."""
    for schema in ("contexts", "consent"):
        connection.execute(f"create schema if not exists {schema}")
    ensure_tables(connection)
    for name, table in inputs.tables.items():
        if name == APPROVALS:
            continue
        connection.register("assent_restored", table)
        try:
            if name.startswith("activation."):
                connection.execute(f"insert into {name} by name select * from assent_restored")
            else:
                connection.execute(f"create table {name} as select * from assent_restored")
        finally:
            connection.unregister("assent_restored")


def restore_history(
    connection: duckdb.DuckDBPyConnection, log: DecisionLog, through: int, as_of: datetime
) -> None:
    """Put into activation.decision_log what decisions read of batches up to `through`."""
    for number in range(1, through + 1):
        rows = log.read(number)
        read = pc.or_(
            pc.equal(rows["outcome"], str(Outcome.ACT)),
            pc.equal(rows["as_of"], pa.scalar(as_of, rows.schema.field("as_of").type)),
        )
        append_decisions(connection, rows.filter(read))


def _take_volume_of_erased(
    connection: duckdb.DuckDBPyConnection, sealed: pa.Table, opened: pa.Table, as_of: datetime
) -> None:
    """Let acts stand for erased candidates that had a place within their node's volume.

    The others keep their order among themselves, so with that many places taken the same ones
    come in as did then.
    """
    erased = sealed.filter(pc.invert(pc.is_in(sealed["seq"], opened["seq"])))
    placed = pc.equal(pc.bit_wise_and(erased["gate_mask"].cast(pa.int64()), _BEFORE_APPROVAL), 0)
    rows = erased.filter(placed)
    stand_in = {
        "decision_id": pc.binary_join_element_wise("erased:", rows["seq"].cast(pa.string()), ""),
        "person_id": pa.repeat("erased", len(rows)),
        "node": rows["node"],
        "as_of": pa.repeat(pa.scalar(as_of, SCHEMA.field("as_of").type), len(rows)),
        "outcome": pa.repeat(str(Outcome.ACT), len(rows)),
        "release": pa.repeat("erased", len(rows)),
        "batch": rows["batch"],
        "seq": rows["seq"],
    }
    append_decisions(connection, pa.table(stand_in))


def compare(
    log: DecisionLog, batch: int, sealed: pa.Table, opened: pa.Table, rows: pa.Table, whole: bool
) -> Replay:
    """What the `rows` decided again come to against a batch's `sealed` rows, of those `opened`.

    `whole` says that a row which was not sealed is a difference too.
    """
    known = sealed.filter(pc.is_in(sealed["seq"], opened["seq"]))
    place = pc.index_in(known["decision_id"], value_set=rows["decision_id"])
    met = known.filter(pc.is_valid(place))
    again = rows.take(pc.drop_null(place))
    wrong = log.differing(batch, met["seq"], again)
    seqs, before = met["seq"].take(wrong).to_pylist(), _given(met, opened, wrong)
    differences = [
        _changed(seq, old, new)
        for seq, old, new in zip(seqs, before, again.take(wrong).to_pylist(), strict=True)
    ]
    missing = known.filter(pc.is_null(place))
    differences += [_unmatched("missing", row) for row in missing.to_pylist()]
    if whole:
        extra = rows.filter(pc.invert(pc.is_in(rows["decision_id"], sealed["decision_id"])))
        differences += [_unmatched("extra", row) for row in extra.to_pylist()]
    erased = len(sealed) - len(known)
    return Replay(batch, len(met) - len(wrong), erased, tuple(differences))


def _given(met: pa.Table, opened: pa.Table, wrong: pa.Array) -> list[dict[str, Any]]:
    """Sealed rows with their contexts."""
    rows = met.take(wrong)
    contexts = opened["context"].take(pc.index_in(rows["seq"], value_set=opened["seq"]))
    return [dict(row) for row in rows.append_column("context", contexts).to_pylist()]


def _changed(seq: int, sealed: Mapping[str, Any], again: Mapping[str, Any]) -> Difference:
    columns = {
        name: (sealed[name], again[name]) for name in SCHEMA.names if sealed[name] != again[name]
    }
    changed = (sealed["gate_mask"] or 0) ^ (again["gate_mask"] or 0)
    gates = tuple(gate.name.lower() for gate in Gate if changed & gate.bit)
    return Difference("changed", again["node"], again["decision_id"], seq, columns, gates)


def _unmatched(what: str, row: Mapping[str, Any]) -> Difference:
    return Difference(what, row["node"], row["decision_id"], row.get("seq"))
