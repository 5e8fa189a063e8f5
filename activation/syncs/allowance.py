"""What a sync lets leave, in the form in which revisions are compared."""

from collections.abc import Iterable

from activation.syncs.spec import SyncSpec
from expectations.policy.allowance import Allowance, Allowances


def sync_allowances(specs: Iterable[SyncSpec]) -> Allowances:
    """`sync <name>` for each: where it sends, what of, for which purposes, and up to when."""
    return {f"sync {spec.name}": _sync(spec) for spec in sorted(specs, key=lambda one: one.name)}


def _sync(spec: SyncSpec) -> Allowance:
    guards = spec.guards
    until = {f"exception for {one.category}": one.expires for one in spec.special_categories}
    if (basis := spec.transfer) is not None:
        start = f" from {basis.starts}" if basis.starts else ""
        until[f"transfer by {basis.mechanism} ({basis.reference}){start}"] = basis.expires
    return Allowance(
        named={
            "relation": spec.relation,
            "destination": spec.destination,
            "connector": spec.connector,
            "region": spec.region,
            "processor": spec.processor,
            "object": spec.object,
            "mode": spec.mode,
            "key": ", ".join(spec.key),
        },
        allowed={
            "fields": frozenset(spec.fields),
            "purposes": frozenset(spec.purpose),
            "occasions": frozenset({"every run"} if spec.enabled_by_default else ()),
        },
        asked={"denied_categories": frozenset(spec.denied_categories)},
        most={
            "max_delete_share": guards.max_delete_share,
            "delete_floor": guards.delete_floor,
            **({} if guards.max_rows is None else {"max_rows": guards.max_rows}),
        },
        until=until,
    )
