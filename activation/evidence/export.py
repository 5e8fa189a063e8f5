"""Every document as a file, by its path below the folder that is exported to."""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from activation.evidence import data_contracts, openlineage
from activation.evidence.ai_rmf import profile, profile_document
from activation.evidence.document import Document, to_html, to_markdown
from activation.evidence.impact import impact_document, impact_inputs
from activation.evidence.inputs import EvidenceInputs
from activation.evidence.processing import processing_document, record_of_processing


def documents(inputs: EvidenceInputs, at: datetime) -> Iterator[tuple[str, str]]:
    """(path, text) of every document. `at` is the commit's time, which OpenLineage wants."""
    record = record_of_processing(inputs)
    yield from _in_three_forms("record_of_processing", record, processing_document(record))
    claims = profile(inputs)
    yield from _in_three_forms("ai_rmf_profile", claims, profile_document(claims))
    impact = impact_inputs(inputs)
    yield from _in_three_forms("dpia_inputs", impact, impact_document(impact))
    yield "openlineage/events.jsonl", openlineage.lines(inputs, at)
    for table, contract in data_contracts.contracts(inputs):
        yield f"data_contracts/{table}.odcs.yaml", data_contracts.to_yaml(contract)


def write(files: Iterator[tuple[str, str]], out: Path) -> int:
    """Write the files below `out`, and return how many they are."""
    count = 0
    for path, text in files:
        target = out / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8", newline="\n")
        count += 1
    return count


def _in_three_forms(
    name: str, content: Mapping[str, Any], document: Document
) -> Iterator[tuple[str, str]]:
    yield f"{name}.json", json.dumps(content, ensure_ascii=False, indent=2, sort_keys=True) + "\n"
    yield f"{name}.md", to_markdown(document)
    yield f"{name}.html", to_html(document)
