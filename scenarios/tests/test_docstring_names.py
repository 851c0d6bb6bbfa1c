"""`CONTRIBUTING.md`: what the docstring of a class names in backticks exists."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = (
    "scenarios/tus_scenarios",
    "reports/tus_reports",
    "conformance/tus_conformance",
    "reference/tus_reference",
    "reference/tus_defects",
)
KEYS_OF_TOML = {"cut", "cross", "finish"}
"""Keys of scenario files that docstrings explain and that no field of the class has."""


def names_in(tree: ast.AST) -> set[str]:
    """Return the names that a piece of code defines or uses."""
    found: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name):
                found.add(name)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                found.add(name)
            case ast.ClassDef(name=name) | ast.alias(name=name):
                found.add(name)
            case ast.Constant(value=str(text)):
                found.add(text)
            case _:
                pass
    return found


def find_stale_names(source: str, known: set[str]) -> Iterator[str]:
    """Yield `Class: name` for each name in backticks that the module does not have."""
    tree = ast.parse(source)
    names = names_in(tree) | known
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            for name in re.findall(r"`([a-z][a-z0-9_]*[a-z0-9])`", ast.get_docstring(node) or ""):
                if name not in names:
                    yield f"{node.name}: {name}"


@pytest.mark.parametrize("package", PACKAGES)
def test_a_class_explains_what_it_has(package: str) -> None:
    modules = list((ROOT / package).rglob("*.py"))
    known = KEYS_OF_TOML | {module.stem for module in modules}
    for module in modules:
        known |= {
            node.name
            for node in ast.parse(module.read_text("utf-8")).body
            if isinstance(node, ast.FunctionDef)
        }
    stale = {
        str(module.relative_to(ROOT)): found
        for module in modules
        if (found := list(find_stale_names(module.read_text("utf-8"), known)))
    }
    assert stale == {}


def test_a_renamed_field_is_found() -> None:
    source = '''
class Upload:
    """An upload; `size` is in bytes, and `at` is the offset."""

    size: int
    offset: int
'''
    assert list(find_stale_names(source, set())) == ["Upload: at"]
