"""What the checker has to say: one finding per fault, with a stable code."""

from dataclasses import dataclass, replace
from enum import StrEnum

from expectations.policy.lineage.edges import Column


class Code(StrEnum):
    """A kind of fault. A code never changes its meaning; docs/policy.md explains each."""

    UNTAGGED_ROOT = "POL001"
    UNKNOWN_KEY = "POL002"
    MISPLACED_KEY = "POL003"
    MALFORMED_LABEL = "POL004"
    UNREADABLE = "POL005"
    UNDECLARED = "POL011"
    DOES_NOT_BIND = "POL012"
    UNSUPPORTED = "POL013"
    CATEGORIES_LOOSENED = "POL021"
    RETENTION_LOOSENED = "POL022"
    PURPOSES_LOOSENED = "POL023"
    RESIDENCY_LOOSENED = "POL024"
    ORIGIN_LOOSENED = "POL025"
    DECLASSIFY_UNPROVEN = "POL031"
    DECLASSIFY_INCOMPLETE = "POL032"
    DECLASSIFY_EXPIRED = "POL033"
    NO_SUCH_COLUMN = "POL041"
    PURPOSE = "POL042"
    RESIDENCY = "POL043"
    CATEGORY_LEAVES = "POL044"
    SELECTION_LEAVES = "POL045"
    NOT_GATED = "POL046"
    MALFORMED_SYNC = "POL047"
    NO_EVENT_TIME = "POL051"


TITLES = {
    Code.UNTAGGED_ROOT: "a source column without a complete label",
    Code.UNKNOWN_KEY: "a word that the vocabulary does not have",
    Code.MISPLACED_KEY: "a policy where dbt or the checker does not read it",
    Code.MALFORMED_LABEL: "a label of the wrong form",
    Code.UNREADABLE: "a YAML file that the checker refuses to read",
    Code.UNDECLARED: "a column without a type, or a model without SQL",
    Code.DOES_NOT_BIND: "a model that does not bind",
    Code.UNSUPPORTED: "a construct whose lineage can't be proven",
    Code.CATEGORIES_LOOSENED: "a category is dropped",
    Code.RETENTION_LOOSENED: "retention is longer than that of the inputs",
    Code.PURPOSES_LOOSENED: "purposes are wider than those of the inputs",
    Code.RESIDENCY_LOOSENED: "residency is wider than that of the inputs",
    Code.ORIGIN_LOOSENED: "an origin is dropped",
    Code.DECLASSIFY_UNPROVEN: "a declassify that the SQL does not prove",
    Code.DECLASSIFY_INCOMPLETE: "a declassify without reason, approver, ticket or end",
    Code.DECLASSIFY_EXPIRED: "a declassify that has expired",
    Code.NO_SUCH_COLUMN: "a journey or sync names a column that does not exist",
    Code.PURPOSE: "a field is used for a purpose that its label does not allow",
    Code.RESIDENCY: "a field is sent or decided on outside of its regions, without a valid basis",
    Code.CATEGORY_LEAVES: "a denied or special category is among the fields",
    Code.SELECTION_LEAVES: "rows are chosen by a denied or special category",
    Code.NOT_GATED: "a way out that the consent gate does not dominate",
    Code.MALFORMED_SYNC: "a sync of the wrong form",
    Code.NO_EVENT_TIME: "retention without an event time",
}


@dataclass(frozen=True)
class Finding:
    """One fault.

    `file` is relative to the project, `line` from 1. `path` is the way from the source to the sink,
    one relation and column a step; empty where the fault has none. It holds names, never a value of
    a row.
    """

    code: Code
    message: str
    fix: str
    file: str
    line: int = 1
    model: str = ""
    column: str = ""
    path: tuple[Column, ...] = ()

    @property
    def leak(self) -> str:
        """The path in words."""
        return " -> ".join(map(str, self.path))

    def at(self, file: str, line: int) -> "Finding":
        return replace(self, file=file, line=line)

    def order(self) -> tuple[str, int, str, str, str]:
        """The order of a report: by place, then by code."""
        return self.file, self.line, self.column, self.code, self.message

    def __str__(self) -> str:
        where = ".".join(filter(None, (self.model, self.column)))
        text = f"{self.file}:{self.line}: {self.code} {where}: {self.message}"
        if self.path:
            text += f"\n    path: {self.leak}"
        return f"{text}\n    fix: {self.fix}"
