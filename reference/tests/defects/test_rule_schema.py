"""`rule_schema`: the schema for editors is up to date and fits the rules."""

from __future__ import annotations

import tomllib
from pathlib import Path

import jsonschema
import pytest

import tus_defects
from tus_defects.rule_schema import PATH, format_schema, new_schema

FILES = sorted(Path(tus_defects.__path__[0]).glob("*/*.toml"))
VALIDATOR = jsonschema.Draft202012Validator(new_schema())


def test_the_schema_in_the_package_is_up_to_date() -> None:
    """Otherwise: python -m tus_defects.rule_schema."""
    assert PATH.read_text("utf-8") == format_schema()


def test_the_schema_is_valid() -> None:
    jsonschema.Draft202012Validator.check_schema(new_schema())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_rule_file_fits_the_schema(path: Path) -> None:
    raw = tomllib.loads(path.read_text("utf-8"))
    assert [error.message for error in VALIDATOR.iter_errors(raw)] == []


@pytest.mark.parametrize(
    "rule",
    ["colour = 'red'", "match = { metod = 'HEAD' }", "match.request = ['x']", "edit.strip = 1"],
)
def test_mistakes_do_not_fit(rule: str) -> None:
    raw = tomllib.loads(f"[quirk.one]\nsentence = 'One.'\n{rule}")
    assert list(VALIDATOR.iter_errors(raw))
