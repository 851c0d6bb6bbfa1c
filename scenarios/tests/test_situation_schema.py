"""`situation_schema`: the schema of situations for editors says what the types say."""

from __future__ import annotations

import tomllib
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tus_scenarios.reader import ScenarioError
from tus_scenarios.situation_registry import SITUATION_FILES, parse_situations
from tus_scenarios.situation_schema import SCHEMA_PATH, build_schema, schema_text

FOLDER = Path(str(resources.files("tus_scenarios").joinpath("situations")))
VALIDATOR = jsonschema.Draft202012Validator(build_schema())
FILE = 'section = "Core"\nextension = "core"\n[[situation]]\nid = "one"\ntitle = "One"\n'


def schema_errors(text: str) -> list[str]:
    """Return what the schema has against a file with one situation."""
    document: dict[str, Any] = tomllib.loads(FILE + text)
    return [error.message for error in VALIDATOR.iter_errors(document)]


def test_the_file_in_the_package_is_up_to_date() -> None:
    """Otherwise: python -m tus_scenarios.situation_schema."""
    assert SCHEMA_PATH.read_text("utf-8") == schema_text()


def test_it_is_a_schema() -> None:
    """By its own meta-schema."""
    jsonschema.Draft202012Validator.check_schema(build_schema())


@pytest.mark.parametrize("name", SITUATION_FILES)
def test_every_file_is_valid_and_names_the_schema(name: str) -> None:
    """What the reader accepts the editor does not underline."""
    text = (FOLDER / f"{name}.toml").read_text("utf-8")
    assert [error.message for error in VALIDATOR.iter_errors(tomllib.loads(text))] == []
    assert text.startswith("#:schema ../situation.schema.json\n")


MISTAKES = (
    'colour = "red"',
    'size = "large"',
    'rule = [{ on = "FETCH", store = "0" }]',
    'rule = [{ on = "PATCH", answer = { status = "soon" } }]',
    'rule = [{ on = "PATCH", cut = { after = "0", by = "scissors" } }]',
    'rule = [{ store = "0" }]',
    'outcome = [{ outcome = "happy" }]',
    "outcome = [{ outcome = 'reported', grade = 'well' }]",
    "server = { slashes = false }",
    "prior = { share = 40 }",
)


@pytest.mark.parametrize("text", MISTAKES)
def test_mistakes_are_underlined(text: str) -> None:
    """What the reader refuses the editor shows."""
    assert schema_errors(text)
    with pytest.raises(ScenarioError):
        parse_situations(FILE + text, "test.toml")


@pytest.mark.parametrize(
    "text",
    [
        'rule = [{ on = "PATCH", cut = { after = "40%" } }]',
        'each.status = [400]\nrule = [{ on = "PATCH", answer = { status = "{status}" } }]',
        'each.by = { reset = "rst" }\nrule = [{ on = "PATCH", lose = "{by}" }]',
        'each.n = [102]\nrule = [{ on = "PATCH", edit = { interim = ["{n}"] } }]',
    ],
)
def test_a_sound_situation_is_not_underlined(text: str) -> None:
    """Otherwise the mistakes above would prove nothing."""
    assert schema_errors(text) == []
    assert parse_situations(FILE + text, "test.toml")
