"""`evaluation.run_exit_code`: the exit code for the verdicts of a run."""

from __future__ import annotations

import pytest

from tus_conformance.evaluation.run_exit_code import exit_code_of_run, exit_code_of_scenarios
from tus_reports import VERDICTS, ScenarioResult, Verdict


def scenarios_of(verdicts: str) -> list[ScenarioResult]:
    """Return a scenario for each verdict, its id being the verdict."""
    named: dict[str, Verdict] = {each: each for each in VERDICTS}
    return [
        ScenarioResult(id=each, title="X", verdict=named[each], section="s", extension="core")
        for each in verdicts.split()
    ]


CODES: list[tuple[str, int, int, str]] = [
    ("pass", 0, 0, "a pass conforms"),
    ("note", 0, 0, "so does a note"),
    ("not-applicable", 0, 0, "and what does not apply"),
    ("unsupported", 0, 0, "and an option not taken"),
    ("pass excluded", 0, 0, "and what is left is what counts"),
    ("warn pass", 0, 1, "a warn fails where the user is strict"),
    ("fail pass", 1, 1, "a fail fails"),
    ("fail error", 1, 1, "even where something else broke"),
    ("error pass", 3, 3, "an error leaves it open"),
    ("inconclusive", 3, 3, "so does what could not be decided"),
    ("blocked", 3, 3, "and what was blocked by nothing that failed"),
    ("warn blocked", 3, 1, "a warn is sure where the user is strict"),
    ("excluded", 4, 4, "nothing was selected"),
    ("", 4, 4, "nothing was there"),
]


@pytest.mark.parametrize(
    ("found", "code", "strict"), [pytest.param(*case[:3], id=case[3]) for case in CODES]
)
def test_the_exit_code_follows_from_the_scenarios(found: str, code: int, strict: int) -> None:
    told = scenarios_of(found)
    assert exit_code_of_scenarios(told) == code
    assert exit_code_of_scenarios(told, strict=True) == strict


# The verdicts of a run, whether the baseline has the failures, one of its entries passes now, the
# run could not complete, or was interrupted; and the exit code.
RUNS: list[tuple[str, bool, bool, bool, bool, int]] = [
    ("pass", False, False, False, False, 0),
    ("fail", True, False, False, False, 0),
    ("fail pass", True, True, False, False, 1),
    ("pass", False, False, True, False, 3),
    ("fail", False, False, True, False, 1),
    ("fail", True, True, True, False, 1),
    ("fail", False, True, True, True, 130),
]


@pytest.mark.parametrize(("found", "known", "fixed", "error", "interrupted", "code"), RUNS)
def test_the_exit_code_of_a_run_says_how_it_ended_too(
    found: str, known: bool, fixed: bool, error: bool, interrupted: bool, code: int
) -> None:
    told = exit_code_of_run(
        scenarios_of(found),
        strict=False,
        known={"fail"} if known else set(),
        fixed=fixed,
        error=error,
        interrupted=interrupted,
    )
    assert told == code
