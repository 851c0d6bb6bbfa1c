"""Attempts: the verdict of one execution of a scenario, with the checks that it did not reach."""

from __future__ import annotations

from collections.abc import Sequence

from tus_conformance.evaluation import verdicts
from tus_conformance.evaluation.expectations import not_reached_check
from tus_conformance.state.early_exit import StopScenario
from tus_reports import Attempt, Check, Exchange
from tus_scenarios import Scenario


def evaluate_attempt(
    scenario: Scenario,
    checks: Sequence[Check],
    exchanges: Sequence[Exchange],
    stop: StopScenario | None,
    duration: float,
) -> Attempt:
    """Return the attempt of an execution; `stop` is what kept it from its last step, if anything.

    `duration` is in seconds.
    """
    reason = stop.reason if stop else ""
    all_checks = (*checks, *_not_reached_checks(scenario, checks, reason))
    return Attempt(
        verdict=verdicts.of_attempt(all_checks, verdicts.of_stop(stop.cause) if stop else None),
        reason=reason,
        checks=all_checks,
        exchanges=tuple(exchanges),
        duration=duration,
    )


def _not_reached_checks(scenario: Scenario, checks: Sequence[Check], reason: str) -> list[Check]:
    """Return the checks that a scenario did not come to, and what kept it from them."""
    reached = {(check.step, check.requirement) for check in checks}
    expected: list[tuple[int | None, str]] = [
        (number, requirement)
        for number, step in enumerate(scenario.steps, 1)
        for expectation in (() if step.setup else step.expect)
        for requirement in expectation.requirements
    ]
    remaining = [place for place in dict.fromkeys(expected) if place not in reached]
    mentioned = {requirement for _, requirement in [*reached, *remaining]}
    # Of a function scenario it is known what it checks, not where; one that was stopped owes all.
    owed = scenario.requirements if scenario.run is not None and reason else ()
    remaining += [
        (None, requirement)
        for requirement in scenario.requirements
        if requirement not in mentioned or requirement in owed
    ]
    why_not_reached = reason or _end_reason(checks)
    return [
        not_reached_check(requirement, why_not_reached, number, "stopped")
        for number, requirement in remaining
    ]


def _end_reason(checks: Sequence[Check]) -> str:
    """Return what ended a scenario early, if something did: the last thing that was wrong."""
    wrong = [check for check in checks if check.outcome == "violated"]
    return f"the scenario ended with this: {wrong[-1].actual}" if wrong else "not reached"
