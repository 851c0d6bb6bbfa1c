"""`runner.selection`: which scenarios run, and why the others do not."""

from __future__ import annotations

import pytest

from tus_conformance.runner.selection import Selection
from tus_conformance.targets.profile import Exclusion, Profile

KNOWN = Profile(exclude=(Exclusion(scenario="core.known.*", reason="we know, see our ticket 7"),))

CHOICES: list[tuple[Selection, str, str | None, str]] = [
    (Selection(), "core.a", None, "everything is told"),
    (Selection(only=("core.*",)), "core.a", None, "what the glob names"),
    (Selection(only=("core.*",)), "creation.a", "not selected by --only", "and nothing else"),
    (Selection(only=("x", "core.a")), "core.a", None, "any of several globs"),
    (Selection(only=("core.a",)), "core.a/one", "not selected by --only", "an id is whole"),
    (Selection(only=("core.a/*",)), "core.a/one,two", None, "labels are part of it"),
    (Selection(only=("CORE.*",)), "core.a", "not selected by --only", "letter case counts"),
    (Selection(skip=("core.*",)), "core.a", "excluded by --skip", "what is skipped is not told"),
    (Selection(("core.*",), ("*.a",)), "core.a", "excluded by --skip", "skipping wins"),
    (Selection(), "core.known.x", "we know, see our ticket 7", "the profile states its reason"),
    (Selection(skip=("*",)), "core.known.x", "excluded by --skip", "the user comes first"),
]


@pytest.mark.parametrize(
    ("selection", "name", "reason"), [pytest.param(*case[:3], id=case[3]) for case in CHOICES]
)
def test_a_scenario_is_left_out_for_a_reason(
    selection: Selection, name: str, reason: str | None
) -> None:
    assert selection.exclusion_reason(name, KNOWN) == reason


def test_what_moves_gigabytes_is_left_out_unless_the_user_says_so() -> None:
    reason = "it transfers gigabytes; --large includes it"
    assert Selection().exclusion_reason("core.a", KNOWN, ("large",)) == reason
    assert Selection(large=True).exclusion_reason("core.a", KNOWN, ("large",)) is None


def test_many_combinations_are_included_by_thorough() -> None:
    reason = "it is one of many combinations; --thorough includes it"
    assert Selection().exclusion_reason("core.a", KNOWN, ("thorough",)) == reason
    assert Selection(thorough=True).exclusion_reason("core.a", KNOWN, ("thorough",)) is None
    assert Selection().exclusion_reason("core.a", KNOWN, ("creation",)) is None
