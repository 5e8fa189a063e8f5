"""Landing: exports of the source systems become typed tables, or quarantine, by content."""

from orchestration.landing.contract import ContractError, EntityContract, read_contracts
from orchestration.landing.loader import ReconciliationError, load
from orchestration.landing.report import FileResult, LoadReport
from orchestration.landing.tables import QUARANTINE_RETENTION

__all__ = [
    "QUARANTINE_RETENTION",
    "ContractError",
    "EntityContract",
    "FileResult",
    "LoadReport",
    "ReconciliationError",
    "load",
    "read_contracts",
]
