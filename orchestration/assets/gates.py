"""The two gates, as assets between the steps: each rule of a contract is a check on its table.

The checks themselves do not block, because a check on a table in the middle of a dbt step would
split that step in two; the gate's own failure stops whatever depends on it.
"""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from expectations import gate
from expectations.contract import Gate, read_contracts
from expectations.outcome import Outcome, gate_state
from orchestration.environment import CONTRACTS_DIR
from orchestration.observer import stage
from orchestration.policy_check import check as check_policy
from orchestration.project import WAREHOUSE_POOL, model_keys, source_keys
from orchestration.rules import active_rules
from orchestration.run_settings import RunSettings
from orchestration.warehouse import open_warehouse

CONTRACTS = read_contracts(CONTRACTS_DIR)
BEFORE_DECISIONS = dg.AssetKey(["gate", "before_decisions"])
BEFORE_SYNCS = dg.AssetKey(["gate", "before_syncs"])


def _check_specs(name: Gate) -> list[dg.AssetCheckSpec]:
    return [
        dg.AssetCheckSpec(
            name=f"contract__{rule}",
            asset=dg.AssetKey(contract.table.split(".")),
            description=description,
            metadata={"owner": contract.owner, "gate": name, "closes the gate": blocking},
        )
        for contract in CONTRACTS
        if contract.gate == name
        for rule, description, blocking in contract.checks()
    ]


# stands beside the rules of contracts, and closes the gate as they do
_POLICY = dg.AssetCheckSpec(
    name="contract__policy",
    asset=BEFORE_DECISIONS,
    blocking=True,
    description="Every column's policy holds, from the sources to what leaves (assent check).",
)


def _policy_outcome(settings: RunSettings) -> Outcome:
    # what decides and is built is the active release, not the files that lie here
    home, at = settings.resolved_home(), settings.time()
    rules = active_rules(home, at)
    checked = check_policy(home, at.date(), rules.root, rules.dbt_project)
    faults = [f"{one.code} {one.file}:{one.line}" for one in checked.findings]
    return Outcome(
        table=".".join(BEFORE_DECISIONS.path),
        rule="policy",
        description="the policy check finds nothing" + "".join(f"; {one}" for one in faults[:5]),
        state="failed" if faults else "passed",
        blocking=True,
        observed=str(len(faults)),
        unexpected=len(faults),
        sample=tuple(faults[:5]),
        error=None,
    )


def _gate(
    name: Gate, key: dg.AssetKey, deps: list[dg.AssetKey], description: str
) -> dg.AssetsDefinition:
    @dg.multi_asset(
        name=f"gate_before_{name}",
        specs=[
            dg.AssetSpec(
                key,
                deps=deps,
                group_name=f"gate_before_{name}",
                owners=["team-data@assent.example"],
                kinds={"great_expectations", "duckdb"},
                description=description,
            )
        ],
        check_specs=[*_check_specs(name), *([_POLICY] if name == "decisions" else [])],
        allow_arbitrary_check_specs=True,
        pool=WAREHOUSE_POOL,
    )
    def judge(settings: RunSettings) -> Iterator[Any]:
        home, as_of = settings.resolved_home(), settings.time()
        policy = [_policy_outcome(settings)] if name == "decisions" else []
        with (
            stage(f"gate before the {name}") as announced,
            open_warehouse(home.warehouse, locked=True) as connection,
        ):
            outcomes = [*gate.evaluate(connection, CONTRACTS, name, as_of), *policy]
            gate.record(connection, name, outcomes, as_of)
            announced.detail(f"{len(outcomes)} rules")
        for outcome in outcomes:
            yield _result(outcome)
        if gate_state(outcomes) != "passed":
            raise dg.Failure(description=_closed(name, outcomes), allow_retries=False)
        yield dg.MaterializeResult(asset_key=key, metadata={"rules": len(outcomes)})

    return judge


def _result(outcome: Outcome) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        asset_key=dg.AssetKey(outcome.table.split(".")),
        check_name=f"contract__{outcome.rule}",
        passed=outcome.state == "passed",
        severity=(dg.AssetCheckSeverity.ERROR if outcome.blocking else dg.AssetCheckSeverity.WARN),
        metadata={
            "state": outcome.state,
            "observed": outcome.observed or "",
            "rows_that_break_it": outcome.unexpected or 0,
            "keys": "\n".join(outcome.sample),
            "error": outcome.error or "",
        },
    )


def _closed(name: Gate, outcomes: list[Outcome]) -> str:
    rules = [
        f"{one.table}: {one.description.strip()} ({one.state})"
        for one in outcomes
        if one.closes_gate
    ]
    return f"the gate before the {name} is closed: " + "; ".join(rules)


gate_before_decisions = _gate(
    "decisions",
    BEFORE_DECISIONS,
    [
        *source_keys("landing"),
        *model_keys("identity", "consent", "profiles", "contexts"),
    ],
    "What must hold before anything is decided.",
)
gate_before_syncs = _gate(
    "syncs",
    BEFORE_SYNCS,
    [*model_keys("outbound"), *model_keys("consent")],
    "What must hold before anything is sent.",
)
