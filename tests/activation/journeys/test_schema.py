import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from activation.journeys.schema import SCHEMAS, render_schema

JOURNEYS = Path(__file__).parents[3] / "activation" / "journeys"


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_published_schema_is_current(name: str) -> None:
    published = (JOURNEYS / name).read_text(encoding="utf-8")
    assert published == render_schema(SCHEMAS[name]), "run python -m activation.journeys.schema"


@pytest.mark.parametrize("path", sorted(JOURNEYS.glob("*.yml")), ids=lambda path: path.name)
def test_every_journey_file_fits_the_published_schema(path: Path) -> None:
    name = "policies.schema.json" if path.name == "policies.yml" else "journey.schema.json"
    schema = json.loads((JOURNEYS / name).read_text(encoding="utf-8"))
    content = json.loads(json.dumps(yaml.safe_load(path.read_text("utf-8")), default=str))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(content, schema)


def test_a_file_that_does_not_fit_is_told_so_by_the_schema() -> None:
    schema = json.loads((JOURNEYS / "journey.schema.json").read_text(encoding="utf-8"))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"id": "x"}, schema)
