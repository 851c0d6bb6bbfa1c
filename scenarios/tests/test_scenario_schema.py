"""`scenario_schema`: the schema for editors says what the types say."""

from __future__ import annotations

import tomllib
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tus_scenarios.registry import FILES
from tus_scenarios.scenario_schema import SCHEMA_PATH, build_schema, schema_text

DATA = Path(str(resources.files("tus_scenarios").joinpath("data")))
VALIDATOR = jsonschema.Draft202012Validator(build_schema())


def schema_errors(step: dict[str, Any]) -> list[str]:
    """Return what the schema has against a file with one step."""
    source = {"id": "one", "title": "One", "step": [step]}
    file = {"section": "s", "extension": "core", "scenario": [source]}
    return [error.message for error in VALIDATOR.iter_errors(file)]


def test_the_file_in_the_package_is_up_to_date() -> None:
    """Otherwise: python -m tus_scenarios.scenario_schema."""
    assert SCHEMA_PATH.read_text("utf-8") == schema_text()


def test_it_is_a_schema() -> None:
    """By its own meta-schema."""
    jsonschema.Draft202012Validator.check_schema(build_schema())


@pytest.mark.parametrize("name", FILES)
def test_every_data_file_is_valid(name: str) -> None:
    """What the reader accepts the editor does not underline."""
    raw = tomllib.loads((DATA / f"{name}.toml").read_text("utf-8"))
    assert [error.message for error in VALIDATOR.iter_errors(raw)] == []


@pytest.mark.parametrize(
    "step",
    [
        {},
        {"setup": True},
        {"head": {}, "get": {}},
        {"request": {}},
        {"patch": {"offest": 1}},
        {"head": {}, "expect": [{"status": "6xx", "checks": "x"}]},
        {"head": {}, "expect": [{"status": 200}]},
        {"patch": {"framing": "http3"}},
    ],
    ids=str,
)
def test_mistakes_are_underlined(step: dict[str, Any]) -> None:
    """What the reader refuses the editor shows."""
    assert schema_errors(step)


def test_a_sound_step_is_not_underlined() -> None:
    """Otherwise the mistakes above would prove nothing."""
    assert schema_errors({"head": {}, "expect": [{"status": "4xx", "checks": "x"}]}) == []
