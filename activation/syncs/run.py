"""One run of one sync: reconcile, plan, guard, gate, apply, settle, report."""

from collections.abc import Sequence, Set
from dataclasses import replace
from datetime import datetime

import duckdb
import pyarrow as pa
from sqlalchemy import Engine

from activation.connectors.protocol import Connector, Operation
from activation.store import transaction
from activation.syncs.courier import Courier
from activation.syncs.desired import describe
from activation.syncs.gate import Gate
from activation.syncs.guard import LABEL_REFUSED, Guards
from activation.syncs.intents import Journal
from activation.syncs.item import Item
from activation.syncs.lease import lease
from activation.syncs.plan import Plan, desired_keys, make_plan
from activation.syncs.reconcile import reconcile
from activation.syncs.report import SyncReport
from activation.syncs.retry import RetryPolicy
from activation.syncs.spec import SyncSpec
from activation.syncs.state import all_state, count_held, held_rows_of, state_of_keys
from activation.syncs.workspace import NO_FORMER_LINKS, workspace


def run_sync(
    spec: SyncSpec,
    desired: pa.Table | None,
    *,
    identifiers: pa.Table,
    engine: Engine,
    connector: Connector,
    watermark: int,
    as_of: datetime,
    run_id: str,
    hash_key: bytes,
    guards: Guards | None = None,
    denied: pa.Table | None = None,
    former_links: pa.Table = NO_FORMER_LINKS,
    signalled: Set[str] | None = None,
    retry: RetryPolicy | None = None,
) -> SyncReport:
    """Bring the destination to the desired rows, as far as consent, guards and destination allow.

    `desired` has one row per `spec.key`: the allow-listed fields, `person_id`, and optionally
    `purpose`, `channel`, `node`, `send_after`, `valid_until` (instants, UTC); in mode append also
    `decision_id`. What a halted `node` (or `audience`) decided is withheld. None asks for the
    removals alone that the ledger demands, without the warehouse.
    `identifiers` (person_id, identifier_type, identifier) are all persons' identifiers, as the
    ledger spells them; a row of a person who is not among them is withheld. `former_links` (the
    same and parted_at) are those they were parted from: what was said until then restricts too.
    `signalled` are the purposes an opt-out signal binds; None for all. `watermark` is the last
    seq of the ledger that `desired` was computed from, `denied` (person_id, purpose, channel) who
    may not be contacted now: their removals pass the guards. `as_of` is the run's clock.

    Order: removals that persons asked for, removals that the model caused, updates, additions or
    sends, and once more the removals asked for meanwhile. Raises SyncBusyError while another run
    works on the same target, and SyncError when the declaration or the connector is at fault.
    """
    policy = retry or RetryPolicy()
    started, calls = policy.monotonic(), connector.calls
    report = SyncReport(spec.name, run_id)
    keeps = connector.capabilities.removal_address
    journal = Journal(spec.target, run_id, as_of, keeps)
    with lease(engine, spec.target), workspace(identifiers, former_links) as duck:
        report.reconciled = reconcile(engine, connector, journal, spec.object)
        gate = Gate(duck, watermark, signalled=signalled)
        courier = Courier(
            spec,
            engine=engine,
            connector=connector,
            gate=gate,
            journal=journal,
            desired=desired,
            retry=policy,
            report=report,
        )
        _remove_restricted(spec, engine, gate, courier)
        if desired is not None:
            describe(duck, spec, desired, as_of=as_of, hash_key=hash_key)
            plan = _plan(duck, spec, engine, connector)
            _apply(spec, plan, guards or Guards.of(spec), gate, engine, courier, report, denied)
            _remove_restricted(spec, engine, gate, courier)
    report.calls = connector.calls - calls
    report.seconds = policy.monotonic() - started
    return report


def _remove_restricted(spec: SyncSpec, engine: Engine, gate: Gate, courier: Courier) -> None:
    """Remove who withdrew since the watermark from what the destination holds.

    A message can't be taken back, so this concerns mirrored objects alone.
    """
    if spec.mode != "mirror":
        return
    with transaction(engine) as connection:
        gate.refresh(connection)
        held = held_rows_of(connection, spec.target, gate.persons, gate.addresses)
    asked_for = [item for item in held if gate.reason(item)]
    courier.carry([item for item in asked_for if item.row_key not in courier.unfinished])


def _plan(
    duck: duckdb.DuckDBPyConnection, spec: SyncSpec, engine: Engine, connector: Connector
) -> Plan:
    with engine.connect() as connection:
        if spec.mode == "mirror":
            state = all_state(connection, spec.target)
        else:
            state = state_of_keys(connection, spec.target, desired_keys(duck))
    return make_plan(duck, state, mode=spec.mode, capabilities=connector.capabilities)


def _apply(
    spec: SyncSpec,
    plan: Plan,
    guards: Guards,
    gate: Gate,
    engine: Engine,
    courier: Courier,
    report: SyncReport,
    denied: pa.Table | None,
) -> None:
    report.unchanged, report.parked = plan.unchanged, plan.parked
    report.withheld.update(plan.withheld)
    report.in_doubt += plan.in_doubt
    report.planned += plan.withheld.total() + plan.in_doubt
    with engine.connect() as connection:
        required = gate.ever_restricted(connection, plan.removals) if plan.removals else set()
        held = count_held(connection, spec.target)
    required |= _denied_keys(plan.removals, denied)
    asked_for = [replace(i, required=True) for i in plan.removals if i.row_key in required]
    caused = [item for item in plan.removals if item.row_key not in required]
    courier.carry(asked_for)
    changes = _allowed(plan.changes, guards, report)
    verdict = guards.verdict(removals=caused, changes=changes, held=held)
    if verdict is not None:
        report.withheld[verdict] += len(caused) + len(changes)
        report.planned += len(caused) + len(changes)
        return
    courier.carry(caused)
    for operation in (Operation.UPDATE, Operation.ADD, Operation.SEND):
        courier.carry([item for item in changes if item.operation is operation])


def _allowed(changes: Sequence[Item], guards: Guards, report: SyncReport) -> Sequence[Item]:
    """The changes, or none of them when the labels of the fields forbid that any row leaves."""
    if not guards.refusals:
        return changes
    report.refusals.extend(guards.refusals)
    report.withheld[LABEL_REFUSED] += len(changes)
    report.planned += len(changes)
    return ()


def _denied_keys(removals: Sequence[Item], denied: pa.Table | None) -> set[str]:
    """Row keys of the removals whose person consent denies for one of the row's purposes."""
    if denied is None or not removals:
        return set()
    columns = (denied[name].to_pylist() for name in ("person_id", "purpose", "channel"))
    known = set(zip(*columns, strict=True))
    return {
        item.row_key
        for item in removals
        if any((item.person_id, p, item.channel) in known for p in item.purpose.split(","))
    }
