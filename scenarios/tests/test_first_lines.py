"""`ARCHITECTURE.md`: the first line of a test file names the module or page that it is about."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = {
    "scenarios": ("tus_scenarios",),
    "reports": ("tus_reports",),
    "conformance": ("tus_conformance", "."),
    "reference": ("tus_reference", "tus_defects", "."),
}
"""Where the subjects of a room's tests are; proof, trials and fuzzing are packages next to them."""


def first_line_of(source: str) -> str:
    return (ast.get_docstring(ast.parse(source)) or "").partition("\n")[0]


def find_subject(room: str, first_line: str) -> Path | None:
    """Return the module, package or page that a line such as "`transport.network`: ..." names."""
    named = re.match(r"`([\w./-]+)`: \S", first_line)
    if named is None:
        return None
    name = named[1]
    if "/" in name or name.endswith(".md"):
        return ROOT / name if (ROOT / name).is_file() else None
    dotted = name.replace(".", "/")
    candidates = [ROOT / room / name] if name in PACKAGES[room] else []
    for package in PACKAGES[room]:
        candidates += [ROOT / room / package / dotted, ROOT / room / package / f"{dotted}.py"]
    return next((each for each in candidates if each.exists()), None)


def own_module(room: str, path: Path) -> Path | None:
    """Return the module that the path of a test file mirrors, if there is one."""
    folder = path.relative_to(ROOT / room / "tests").parent
    name = f"{path.stem.removeprefix('test_')}.py"
    places = (ROOT / room / package / folder / name for package in PACKAGES[room])
    return next((each for each in places if each.is_file()), None)


@pytest.mark.parametrize("room", PACKAGES)
def test_each_test_file_names_its_subject(room: str) -> None:
    files = sorted((ROOT / room / "tests").rglob("test_*.py"))
    assert files
    wrong = []
    for path in files:
        line = first_line_of(path.read_text("utf-8"))
        subject = find_subject(room, line)
        if subject is None or (own_module(room, path) or subject) != subject:
            wrong.append(f"{path.relative_to(ROOT)}: {line}")
    assert wrong == []


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("`lint`: each rule fails on a sample.", "scenarios/tus_scenarios/lint.py"),
        ("`README.md`: the first page is true.", "README.md"),
        ("`lint` fails on a sample.", None),
        ("Each rule of the lint fails on a sample.", None),
        ("`no_such_module`: nothing.", None),
        ("`docs/no-such-page.md`: nothing.", None),
        ("", None),
    ],
)
def test_a_subject_is_found_only_if_it_exists(line: str, found: str | None) -> None:
    assert find_subject("scenarios", line) == (None if found is None else ROOT / found)
