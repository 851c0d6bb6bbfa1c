"""`record_schema`: the schema of a record is the one that its types make."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest

from tus_reports import Record, record_schema

Write = Callable[..., Path]


def test_the_stored_schema_has_not_drifted() -> None:
    """The schema beside the code is the one that the types make."""
    assert record_schema.SCHEMA_PATH.read_text("utf-8") == record_schema.schema_text(), (
        "run: python -m tus_reports.record_schema --write"
    )


def test_a_written_record_satisfies_the_schema(sample: Record, write: Write) -> None:
    """Every line of a record validates; the same line with a wrong verdict does not."""
    validator = jsonschema.Draft202012Validator(json.loads(record_schema.schema_text()))
    lines = [json.loads(text) for text in write(sample).read_text("utf-8").splitlines()]
    assert len(lines) == 3 + len(sample.scenarios) + len(sample.requirements)
    for line in lines:
        validator.validate(line)
    wrong = next(line for line in lines if line["kind"] == "scenario") | {"verdict": "maybe"}
    with pytest.raises(jsonschema.ValidationError):
        validator.validate(wrong)
