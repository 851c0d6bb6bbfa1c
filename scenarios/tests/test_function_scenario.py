"""`function_scenario`: the prose of function scenarios follows their constants."""

from __future__ import annotations

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


def test_no_step_repeats_a_size_or_a_time_as_a_number() -> None:
    """Numbers of three digits are statuses; what else is a size or a time comes from a constant."""
    written = [
        f"{path.name}: {text}"
        for path in FOLDER.glob("*.py")
        for text in re.findall(r'^ {8}f?"([^"]*)",?$', path.read_text("utf-8"), re.M)
        for sentence in [re.sub(r"\{[^}]*\}|\[[^\]]*\]|Tus-Max-Size \+ 1", "", text)]
        if re.search(r"\b\d+(\.\d+)? (bytes|seconds)\b", sentence)
    ]
    assert written == []
