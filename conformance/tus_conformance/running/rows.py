"""The rows of the ledger, each with the verdict over every scenario that checks it."""

from __future__ import annotations

from collections.abc import Sequence

from tus_conformance.judging import verdict
from tus_reports import Requirement, Verdict
from tus_reports import Scenario as Told
from tus_scenarios import Requirement as Row
from tus_scenarios import ledger

AGGREGATE = "core.implemented"
"""The row that is the sum of the core's MUST and MUST NOT rows; there is nothing to send for it."""


def judged(told: Sequence[Told]) -> list[Requirement]:
    """Return the requirements that a run has looked at, in the order of the specification."""
    lines = [
        _judged(row, [scenario for scenario in told if row.id in scenario.requirements])
        for row in ledger().values()
        if row.side == "server" and row.id != AGGREGATE
    ]
    lines = [line for line in lines if line.scenarios]
    return [_aggregate(lines), *lines] if lines else []


def _judged(row: Row, told: Sequence[Told]) -> Requirement:
    outcome = verdict.of_requirement(row.id, told)
    reason = ""
    if outcome in verdict.UNDETERMINED:
        reason = next((_why(each) for each in told if each.verdict == outcome and _why(each)), "")
        reason = reason or _kept_from(row.id, told)
    return _line(row, outcome, tuple(scenario.id for scenario in told), reason)


def _why(told: Told) -> str:
    """Return what kept a scenario from its verdict."""
    reasons = (told.reason, *(attempt.reason for attempt in told.attempts))
    return next((reason for reason in reasons if reason), "")


def _kept_from(requirement: str, told: Sequence[Told]) -> str:
    """Return what kept the checks of a requirement from being reached."""
    said = (
        check.says.rstrip(".")
        for each in told
        for attempt in each.attempts
        for check in attempt.checks
        if check.requirement == requirement and check.outcome == "not-reached"
    )
    return next((f"It was not reached: {says}." for says in said if says), "")


def _aggregate(lines: Sequence[Requirement]) -> Requirement:
    parts = [
        line for line in lines if line.extension == "core" and line.level in {"MUST", "MUST NOT"}
    ]
    scenarios = tuple(dict.fromkeys(name for line in parts for name in line.scenarios))
    outcome = verdict.worst(line.verdict for line in parts)
    reason = next((line.reason for line in parts if line.verdict == outcome and line.reason), "")
    return _line(ledger()[AGGREGATE], outcome, scenarios, reason)


def _line(row: Row, outcome: Verdict, scenarios: tuple[str, ...], reason: str = "") -> Requirement:
    return Requirement(
        id=row.id,
        level=row.level,
        section=row.section,
        extension=row.extension,
        statement=row.statement,
        verdict=outcome,
        scenarios=scenarios,
        link=row.link,
        ambiguity=row.ambiguity,
        reason=reason,
    )
