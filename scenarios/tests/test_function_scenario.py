"""`function_scenario`: the prose of function scenarios follows their constants."""

from __future__ import annotations

import ast
import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

import tus_scenarios.function_scenarios
from tus_scenarios import Scenario

FOLDER = Path(tus_scenarios.function_scenarios.__file__).parent


def load_changed(name: str, old: str, new: str) -> ModuleType:
    """Load a module of function scenarios with one piece of its source replaced."""
    path = FOLDER / f"{name}.py"
    source = path.read_text("utf-8")
    assert source.count(old) == 1, f"{old!r} is not exactly once in {path.name}"
    spec = importlib.util.spec_from_file_location(f"changed_{name}", path)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    exec(compile(source.replace(old, new), str(path), "exec"), module.__dict__)
    return module


def prose_of(module: ModuleType, scenario_id: str) -> str:
    found = [each for each in vars(module).values() if isinstance(each, Scenario)]
    return "\n".join(next(each for each in found if each.id == scenario_id).prose)


@pytest.mark.parametrize(
    ("name", "scenario_id", "old", "new", "expected"),
    [
        ("slow_bodies", "core.patch.exceeds-length-in-two", "TOO_LONG = 15", "TOO_LONG = 17",
         "PATCH 17 bytes in chunked coding"),
        ("concurrent_requests", "core.patch.concurrent.slow-and-fast",
         "RECOVERY_TIMEOUT = 30.0", "RECOVERY_TIMEOUT = 45.0", "repeated for up to 45 seconds"),
        ("interruption_cuts", "interruption.cuts.ten", "LENGTH, CUTS, CUT_EVERY = 1_000_000",
         "LENGTH, CUTS, CUT_EVERY = 2_000_000", "Given an upload of 2000000 bytes."),
        ("interruption_large", "interruption.large.concatenation",
         "PART_LENGTH, PART_COUNT = 64 * 2**20, 65", "PART_LENGTH, PART_COUNT = 64 * 2**20, 66",
         f"Upload-Length: {66 * 64 * 2**20}"),
        ("expect_continue", "creation-with-upload.expect-continue", "LENGTH, SENT = 100, 40",
         "LENGTH, SENT = 100, 41", "without sending its 41 bytes"),
        ("expiration", "expiration.complete-not-removed", "EXTRA_WAIT = 5", "EXTRA_WAIT = 6",
         "plus 6 seconds"),
    ],
)  # fmt: skip
def test_a_changed_constant_changes_the_prose(
    name: str, scenario_id: str, old: str, new: str, expected: str
) -> None:
    before = prose_of(load_changed(name, old, old), scenario_id)
    after = prose_of(load_changed(name, old, new), scenario_id)
    assert expected not in before
    assert expected in after


NUMBER = re.compile(
    r"\d+(?:[.,_]\d+)*|\b(?:four|five|six|seven|eight|nine|ten|dozen|hundred|thousand)\b",
    re.IGNORECASE,
)
STATUS = re.compile(
    r"(?:\b(?:status|expects|an?|another|for|no|or|and|interim)|,) [1-5](?:\d\d|xx)\b"
    r"(?! \w*(?:bytes?|seconds?|times|iB)\b)"
)


def literal_steps(source: str) -> list[str]:
    """Return the steps of the function scenarios in a module, with a blank for each value.

    They are given to `function_scenario`, or to a function of the module that passes them on.
    """
    steps = []
    for call in ast.walk(ast.parse(source)):
        if isinstance(call, ast.Call) and ast.unparse(call.func) in MAKERS:
            for prose in [*call.args, *(each.value for each in call.keywords)]:
                if isinstance(prose, ast.Tuple):
                    steps += [_literal_text(each) for each in prose.elts if _is_text(each)]
    return steps


MAKERS = {"function_scenario", "_scenario"}


def _is_text(step: ast.expr) -> bool:
    """Return whether an expression is a sentence, and not the id of a requirement."""
    return " " in _literal_text(step)


def _literal_text(step: ast.expr) -> str:
    parts = step.values if isinstance(step, ast.JoinedStr) else [step]
    return "".join(str(each.value) if isinstance(each, ast.Constant) else "_" for each in parts)


def literal_numbers(step: str) -> list[str]:
    """Return the numbers in a step that are neither statuses nor part of an id or of 100-continue.

    One, two and three are words for uploads and requests that the step names one by one.
    """
    text = re.sub(r"\[[^\]]*\]|\b100-continue\b|\b100 Continue\b|\bsha1\b|\bBase64\b", "", step)
    if text.startswith("  expects"):
        while (shorter := STATUS.sub(",", text)) != text:
            text = shorter
    return NUMBER.findall(text)


def test_no_step_repeats_a_constant_as_a_number() -> None:
    steps = [
        (path.name, step)
        for path in FOLDER.glob("*.py")
        for step in literal_steps(path.read_text("utf-8"))
    ]
    assert len(steps) > 100
    assert [each for each in steps if literal_numbers(each[1])] == []


@pytest.mark.parametrize(
    ("step", "numbers"),
    [
        ("PATCH 60 bytes at offset _.", ["60"]),
        ("PATCH 200 bytes at offset _.", ["200"]),
        ("PATCH _ bytes at offset 0.", ["0"]),
        ("PATCH _ bytes, five times.", ["five"]),
        ("Wait for 2.5 seconds.", ["2.5"]),
        ("  expects a response within 200 seconds.", ["200"]),
        ("  expects status 204 within 5 seconds.", ["5"]),
        ("  expects Upload-Offset: 200; else a failure.", ["200"]),
        ("  expects an Upload-Offset of 100 at most.", ["100"]),
        ("  expects and 200 bytes.", ["200"]),
        ("  expects status 204, 409 or 423; a note for another 4xx, a warning for 403.", []),
        ("  expects a 2xx with an Upload-Offset of _ [creation.max-size.413].", []),
        ("POST _ bytes with Expect: 100-continue, and send them after 100 Continue.", []),
    ],
)
def test_a_status_is_not_a_literal_number(step: str, numbers: list[str]) -> None:
    assert literal_numbers(step) == numbers
