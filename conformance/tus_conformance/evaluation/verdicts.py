"""The verdict: a pure function of checks, and nothing else in the suite has opinions.

A check is held, violated or not reached, with the grade of its outcome. An attempt takes its worst
check. A scenario has one attempt, or two where the first failed: a fail must show itself twice, on
uploads of its own each time, but data loss that was seen once stands. A requirement takes the
worst of what every scenario says of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tus_conformance.state.early_exit import StopCause
from tus_reports import VERDICTS, Attempt, Check, ScenarioResult, Verdict

UNDETERMINED: frozenset[Verdict] = frozenset({"error", "inconclusive", "blocked"})
IRRELEVANT: frozenset[Verdict] = frozenset({"not-applicable", "unsupported", "excluded"})

_STOP_VERDICTS: dict[StopCause, Verdict] = {
    "network": "error",
    "no-response": "inconclusive",
    "rate-limited": "inconclusive",
    "precondition": "blocked",
    "forgotten-upload": "blocked",
    "impossible": "not-applicable",
    "other-origin": "blocked",
    "command": "error",
    "unresolved": "blocked",
    "suite-bug": "error",
}


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the worst of several verdicts; of none, not-applicable."""
    found = set(verdicts)
    return next((verdict for verdict in VERDICTS if verdict in found), "not-applicable")


def of_attempt(checks: Sequence[Check], stopped_by: Verdict | None = None) -> Verdict:
    """Return the verdict of an attempt: of the checks it reached, and of what stopped it."""
    reached: list[Verdict] = [check.grade for check in checks if check.grade is not None]
    return worst([*reached, stopped_by] if stopped_by else reached)


def of_stop(cause: StopCause) -> Verdict:
    """Return the verdict that a scenario owes to what stopped it."""
    return _STOP_VERDICTS[cause]


def of_check(check: Check, attempt: Attempt) -> Verdict:
    """Return the verdict of a check; one that was not reached follows what kept it from that."""
    if check.grade is not None:
        return check.grade
    if attempt.verdict in UNDETERMINED:
        return attempt.verdict
    failed = any(other.grade == "fail" for other in attempt.checks)
    return "blocked" if failed else "not-applicable"


def of_scenario(attempts: Sequence[Attempt]) -> tuple[Verdict, str]:
    """Return the verdict of a scenario over its attempts, and the reason where they disagree."""
    first, *others = attempts
    if first.verdict != "fail":
        return first.verdict, first.reason
    if any(check.rule == "data-loss" for attempt in attempts for check in attempt.checks):
        return "fail", ""
    if all(_failed(first) & _failed(other) for other in others):
        return "fail", ""
    return (
        "inconclusive",
        "The first attempt failed, and the second attempt did not fail in the same way.",
    )


@dataclass(frozen=True)
class RequirementTally:
    """What the scenarios of a requirement say of it: its verdict, and how many say what.

    `blocked` counts the scenarios that could not reach it and are left out, because it held in
    others.
    """

    verdict: Verdict
    held: int = 0
    blocked: int = 0


def of_requirement(requirement: str, scenarios: Iterable[ScenarioResult]) -> Verdict:
    """Return the verdict of a requirement over every scenario that checks it."""
    return tally_requirement(requirement, scenarios).verdict


def tally_requirement(requirement: str, scenarios: Iterable[ScenarioResult]) -> RequirementTally:
    """Return the verdict of a requirement, and the scenarios it held in or was not reached in.

    A scenario that could not reach it does not count where it held in others, unless each scenario
    that is about the requirement was blocked before any check of it held. Where no scenario has its
    name, it is enough that it held in more than could not reach it.
    """
    checking = [scenario for scenario in scenarios if requirement in scenario.requirements]
    own = find_own_scenarios(requirement, checking)
    said = [
        (scenario.id in own, _scenario_contribution(requirement, scenario)) for scenario in checking
    ]
    verdict = worst(each for _, each in said)
    held = [is_own for is_own, each in said if each in _HELD]
    blocked = [is_own for is_own, each in said if each == "blocked"]
    partly = any(
        scenario.id in own and _held_in_part(requirement, scenario) for scenario in checking
    )
    is_named = any(name.partition("/")[0] == requirement for name in own)
    is_reached = any(held) or partly or not own or (not is_named and len(held) > len(blocked))
    if verdict != "blocked" or not held or not is_reached:
        return RequirementTally(verdict)
    rest = worst(each for _, each in said if each != "blocked")
    return RequirementTally(rest, len(held), len(blocked))


def find_own_scenarios(requirement: str, scenarios: Sequence[ScenarioResult]) -> set[str]:
    """Return the scenarios that are about a requirement: those that have its name.

    Where none has, they are those that check it first.
    """
    named = {each.id for each in scenarios if each.id.partition("/")[0] == requirement}
    return named or {each.id for each in scenarios if each.requirements[:1] == (requirement,)}


_HELD: frozenset[Verdict] = frozenset({"pass", "note", "warn"})


def _held_in_part(requirement: str, scenario: ScenarioResult) -> bool:
    """Return whether a check of a requirement held before its scenario was stopped."""
    return any(
        check.requirement == requirement and check.outcome == "held"
        for attempt in scenario.attempts
        for check in attempt.checks
    )


def _failed(attempt: Attempt) -> set[str]:
    return {check.requirement for check in attempt.checks if check.grade == "fail"}


def _scenario_contribution(requirement: str, scenario: ScenarioResult) -> Verdict:
    attempt_checks = [_checks_of(requirement, attempt) for attempt in scenario.attempts]
    if not any(attempt_checks):
        return scenario.verdict if scenario.verdict != "fail" else "blocked"
    per_attempt = [
        worst(of_check(check, attempt) for check in checks)
        for checks, attempt in zip(attempt_checks, scenario.attempts, strict=True)
    ]
    disagree = "fail" in per_attempt and set(per_attempt) != {"fail"}
    if disagree and not any(
        check.rule == "data-loss" for checks in attempt_checks for check in checks
    ):
        return "inconclusive"
    return worst(per_attempt)


def _checks_of(requirement: str, attempt: Attempt) -> list[Check]:
    """Return what an attempt says of a requirement.

    Of several checks of one answer those that were reached decide: it met their case, not another.
    """
    own = [check for check in attempt.checks if check.requirement == requirement]
    reached_steps = {
        check.step for check in own if check.grade is not None and check.step is not None
    }
    return [check for check in own if check.grade is not None or check.step not in reached_steps]
