"""`evaluation`: no other package builds a check or sets its grade, but the rules about clients."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import tus_conformance

ROOT = Path(tus_conformance.__file__).parent
CLIENT_RULES = {
    Path("clients", f"{name}.py")
    for name in (
        "client_checks",
        "client_evaluation",
        "client_rule",
        "core_rules",
        "creation_rules",
        "extension_rules",
    )
}
"""The modules that grade clients: what a client did is known to `clients` alone."""

OTHERS = sorted(
    path
    for path in ROOT.rglob("*.py")
    if path.relative_to(ROOT).parts[0] not in {"evaluation", "__pycache__"}
    and path.relative_to(ROOT) not in CLIENT_RULES
)
GRADED = {"Check", "Attempt"}
DECIDED = {"grade", "outcome", "rule", "verdict"}


def find_gradings(source: str) -> Iterator[str]:
    """Yield each place that builds a check or an attempt, or sets what evaluation decides."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func).rpartition(".")[2]
            if name in GRADED:
                yield f"line {node.lineno}: {name}()"
            for keyword in node.keywords:
                if keyword.arg in DECIDED and (
                    name == "replace" or isinstance(keyword.value, ast.Constant)
                ):
                    yield f"line {node.lineno}: {name}({keyword.arg}=)"
        stored = isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
        if isinstance(node, ast.Attribute) and stored and node.attr in DECIDED:
            yield f"line {node.lineno}: .{node.attr} ="


def test_there_are_other_rooms_to_look_at() -> None:
    assert all((ROOT / path).is_file() for path in CLIENT_RULES)
    rooms = {path.relative_to(ROOT).parts[0] for path in OTHERS}
    assert {"cli", "discovery", "execution", "explorer", "runner", "state"} <= rooms


@pytest.mark.parametrize("path", OTHERS, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_other_room_grades(path: Path) -> None:
    assert list(find_gradings(path.read_text("utf-8"))) == []


@pytest.mark.parametrize(
    "source",
    [
        'Check(requirement="a", outcome="held")',
        'tus_reports.Check(requirement="a", outcome="held")',
        "Attempt(verdict=verdict)",
        "structs.replace(check, grade=None)",
        "replace(result, verdict=outcome)",
        'ScenarioResult(id="a", verdict="error")',
        'check.grade = "fail"',
        "self.verdict: Verdict = verdict",
    ],
)
def test_a_room_that_grades_is_found(source: str) -> None:
    assert list(find_gradings(source)) != []


def test_what_reads_a_grade_is_left_alone() -> None:
    reads = 'bad = check.grade == "fail"; ScenarioResult(id="a", verdict=of_scenario(attempts)[0])'
    assert list(find_gradings(reads)) == []
