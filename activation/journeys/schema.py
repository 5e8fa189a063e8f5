"""The published JSON Schema of the journey files, for editors and other tools.

`python -m activation.journeys.schema` writes journey.schema.json and policies.schema.json beside
the journeys; a test holds them current.
"""

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from activation.journeys.node import Node
from activation.journeys.policies import Policies

SCHEMAS: dict[str, type[BaseModel]] = {
    "journey.schema.json": Node,
    "policies.schema.json": Policies,
}


def json_schema(model: type[BaseModel]) -> dict[str, Any]:
    """JSON Schema (2020-12) of one kind of file."""
    schema = model.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def render_schema(model: type[BaseModel]) -> str:
    """Text of the schema file: two blanks of indent, keys in the models' order."""
    return json.dumps(json_schema(model), indent=2, ensure_ascii=False) + "\n"


def write_schemas(directory: Path) -> None:
    """Write every schema file into the folder."""
    for name, model in SCHEMAS.items():
        (directory / name).write_text(render_schema(model), encoding="utf-8")


if __name__ == "__main__":
    write_schemas(Path(__file__).parent)
