"""The requirements of a run, each with the verdict over every scenario that checks it."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import structs

from tus_conformance.evaluation import verdicts
from tus_reports import RequirementResult, ScenarioResult, Verdict
from tus_reports.totals import pluralize
from tus_scenarios import Requirement, ledger

CORE_REQUIREMENT = "core.implemented"
"""The sum of the MUST and MUST NOT requirements of the core; there is nothing to send for it."""

CLIENT_CORE_REQUIREMENT = "client.core.implemented"
"""The same for clients; outcomes that no other requirement is about are charged to it."""


def evaluate_client_requirements(results: Sequence[ScenarioResult]) -> list[RequirementResult]:
    """Return the requirements of clients that a run has looked at, in the same order."""
    lines = [
        _evaluate_requirement(
            requirement, [each for each in results if requirement.id in each.requirements]
        )
        for requirement in ledger().values()
        if requirement.side == "client"
    ]
    return [line for line in lines if line.scenarios]


def evaluate_requirements(results: Sequence[ScenarioResult]) -> list[RequirementResult]:
    """Return the requirements that a run has looked at, in the order of the specification."""
    selected = [result for result in results if result.is_selected]
    lines = [
        _evaluate_requirement(
            requirement,
            [scenario for scenario in selected if requirement.id in scenario.requirements],
        )
        for requirement in ledger().values()
        if requirement.side == "server" and requirement.id != CORE_REQUIREMENT
    ]
    lines = [line for line in lines if line.scenarios]
    return [_core_result(lines), *lines] if lines else []


def _evaluate_requirement(
    requirement: Requirement, results: Sequence[ScenarioResult]
) -> RequirementResult:
    tally = verdicts.tally_requirement(requirement.id, results)
    reason = _explain(requirement.id, tally, results)
    line = _result_line(
        requirement, tally.verdict, tuple(scenario.id for scenario in results), reason
    )
    return structs.replace(line, is_known=_is_known(line, results))


def _explain(
    requirement: str, tally: verdicts.RequirementTally, results: Sequence[ScenarioResult]
) -> str:
    """Return what kept checks from being reached, or the verdict from being one."""
    if tally.verdict in verdicts.UNDETERMINED:
        reasons = (_scenario_reason(each) for each in results if each.verdict == tally.verdict)
        return next(filter(None, reasons), "") or _not_reached_reason(requirement, results)
    if tally.blocked:
        return f"Held in {pluralize(tally.held, 'scenario')}, not reached in {tally.blocked}."
    return ""


def _is_known(line: RequirementResult, results: Sequence[ScenarioResult]) -> bool:
    """Return whether every scenario that shows the failure is known to."""
    failing = [
        scenario
        for scenario in results
        if verdicts.of_requirement(line.id, [scenario]) == line.verdict
    ]
    return line.verdict in {"fail", "warn"} and all(
        line.id in scenario.known_failures for scenario in failing
    )


def _scenario_reason(result: ScenarioResult) -> str:
    """Return what kept a scenario from its verdict."""
    reasons = (result.reason, *(attempt.reason for attempt in result.attempts))
    return next((reason for reason in reasons if reason), "")


def _not_reached_reason(requirement: str, results: Sequence[ScenarioResult]) -> str:
    """Return what kept the checks of a requirement from being reached."""
    notes = (
        check.explanation.rstrip(".")
        for each in results
        for attempt in each.attempts
        for check in attempt.checks
        if check.requirement == requirement and check.outcome == "not-reached"
    )
    return next((f"It was not reached: {says}." for says in notes if says), "")


def _core_result(lines: Sequence[RequirementResult]) -> RequirementResult:
    parts = [
        line for line in lines if line.extension == "core" and line.level in {"MUST", "MUST NOT"}
    ]
    scenarios = tuple(dict.fromkeys(name for line in parts for name in line.scenarios))
    outcome = verdicts.worst(line.verdict for line in parts)
    reason = next((line.reason for line in parts if line.verdict == outcome and line.reason), "")
    line = _result_line(ledger()[CORE_REQUIREMENT], outcome, scenarios, reason)
    causes = [part for part in parts if part.verdict == outcome]
    is_known = outcome in {"fail", "warn"} and all(part.is_known for part in causes)
    return structs.replace(line, is_aggregate=True, is_known=is_known)


def _result_line(
    requirement: Requirement, outcome: Verdict, scenarios: tuple[str, ...], reason: str = ""
) -> RequirementResult:
    return RequirementResult(
        id=requirement.id,
        level=requirement.level,
        section=requirement.section,
        extension=requirement.extension,
        statement=requirement.statement,
        verdict=outcome,
        scenarios=scenarios,
        link=requirement.link,
        ambiguity=requirement.ambiguity,
        reason=reason,
    )
