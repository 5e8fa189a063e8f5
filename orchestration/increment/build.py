"""The two dbt steps up to the contexts, in full or as an increment of identity.

Everything but the identity models is built by dbt as ever. An increment runs their SQL over what
changed, then dbt's data tests over the whole tables.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from time import perf_counter
from typing import Any

from orchestration import dbt_runner
from orchestration.dbt_runner import NodeResult
from orchestration.environment import DBT_PROJECT_DIR, Home
from orchestration.increment import persons, records, state, step
from orchestration.increment.models import Models
from orchestration.secret_keys import identity_hash_key
from orchestration.warehouse import close_ranks, open_warehouse

DONE = {"success", "pass", "warn", "no-op"}


@dataclass
class Build:
    """One run's build of a dbt project in a home."""

    home: Home
    as_of: datetime
    project_dir: Path = DBT_PROJECT_DIR
    data_tests: bool = True
    on_event: Callable[[Any], None] | None = None

    def records(self) -> list[NodeResult]:
        """The selector `records`: staging, and identity up to what the rules alone say."""
        digest = state.digest_of(self.project_dir, identity_hash_key(self.home).key_id)
        if self._models is None or not self._may_increment(digest):
            return self._records_in_full(digest, self._models, lambda: self._selected("records"))
        staged = self._named(["assent.staging"])
        if not all_done(staged):
            return staged
        begun = perf_counter()
        with open_warehouse(self.home.warehouse) as connection:
            count = step.update_records(connection, self._models, digest, self.as_of)
        if count is not None:
            return staged + self._incremented(records.MODELS, count, begun)
        return staged + self._records_in_full(
            digest, self._models, lambda: self._named(records.MODELS)
        )

    def customer(self) -> list[NodeResult]:
        """The selector `customer`: from the persons to the contexts a decision may read."""
        begun, count = perf_counter(), None
        if self._models is not None:
            with open_warehouse(self.home.warehouse) as connection:
                count = step.update_persons(connection, self._models, self.as_of)
        if count is not None:
            results = self._incremented(persons.MODELS, count, begun)
            if all_done(results):
                results += self._named(["assent.consent", "assent.profiles", "assent.contexts"])
            return results
        results = self._selected("customer")
        if all_done(results):
            with open_warehouse(self.home.warehouse) as connection:
                state.advance(connection, state.RECORDS, state.PERSONS, self.as_of)
                close_ranks(connection)
        return results

    def outbound(self) -> list[NodeResult]:
        """The selector `outbound`: what a destination receives."""
        return self._selected("outbound")

    def part(self, select: Sequence[str]) -> list[NodeResult]:
        """Some models by name. Identity built in part is no ground for an increment: the next run
        builds all of it."""
        nodes = self._compiled["nodes"].values()
        others = {node["name"] for node in nodes if node["schema"] != "identity"}
        if not set(select) <= others:
            with open_warehouse(self.home.warehouse) as connection:
                state.forget(connection)
        return self._named(select)

    @cached_property
    def _compiled(self) -> dict[str, Any]:
        return dbt_runner.compile_project(self.home, self.project_dir)

    @cached_property
    def _models(self) -> Models | None:
        """The identity models, if they are those that an increment knows how to replace."""
        models = Models.of(self._compiled, self.as_of)
        return models if set(models.by_name) == {*records.MODELS, *persons.MODELS} else None

    def _may_increment(self, digest: str) -> bool:
        with open_warehouse(self.home.warehouse) as connection:
            return state.can_increment(connection, digest)

    def _records_in_full(
        self, digest: str, models: Models | None, build: Callable[[], list[NodeResult]]
    ) -> list[NodeResult]:
        with open_warehouse(self.home.warehouse) as connection:
            state.begin(connection, digest, self.as_of)
        results = build()
        if models is not None and all_done(results):
            with open_warehouse(self.home.warehouse) as connection:
                step.remember_records(connection, models, self.as_of)
        return results

    def _incremented(self, names: Sequence[str], count: int, begun: float) -> list[NodeResult]:
        seconds = (perf_counter() - begun) / len(names)
        built = [
            NodeResult(f"model.assent.{name}", "success", f"{count} records", 0, seconds)
            for name in names
        ]
        return built + (self._named(names, "--resource-type", "test") if self.data_tests else [])

    def _selected(self, selector: str) -> list[NodeResult]:
        return self._dbt(selector=selector, select=None)

    def _named(self, select: Sequence[str], *arguments: str) -> list[NodeResult]:
        return self._dbt(selector=None, select=list(select), arguments=arguments)

    def _dbt(self, **selection: Any) -> list[NodeResult]:
        return dbt_runner.build(
            self.home,
            as_of=self.as_of,
            project_dir=self.project_dir,
            data_tests=self.data_tests,
            on_event=self.on_event,
            **selection,
        )


def all_done(results: Sequence[NodeResult]) -> bool:
    """Whether no node failed."""
    return all(one.status in DONE for one in results)
