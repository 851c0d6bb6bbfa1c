"""What a run says of each requirement, in a sentence: what was found, or why nothing was."""

from __future__ import annotations

from collections.abc import Iterable

from tus_reports.findings import Finding, RunFindings, collect_findings
from tus_reports.record import RequirementResult
from tus_reports.record_reader import Record
from tus_reports.totals import pluralize


def summarize_requirements(record: Record, found: RunFindings | None = None) -> dict[str, str]:
    """Return the sentence for each requirement by its id, empty where it simply held."""
    found = found or collect_findings(record.scenarios, record.requirements)
    findings = {each.requirement.id: each for each in found.findings}
    notes = {
        note.requirements[0]: note.text
        for note in found.notes
        if note.verdict == "note" and note.requirements
    }
    reasons = {each.id: each.reason for each in record.scenarios if each.reason}
    verdicts = {each.id: each.verdict for each in record.scenarios}

    def summarize(requirement: RequirementResult) -> str:
        if requirement.verdict == "pass":
            return ""
        if requirement.id in findings and findings[requirement.id].verdict == requirement.verdict:
            return _describe_finding(findings[requirement.id])
        own = notes.get(requirement.id, "") if requirement.verdict == "note" else ""
        same_verdict = [
            name for name in requirement.scenarios if verdicts.get(name) == requirement.verdict
        ]
        told = (reasons[name] for name in same_verdict or requirement.scenarios if name in reasons)
        return own or requirement.reason or _describe_cause(same_verdict, told)

    return {requirement.id: summarize(requirement) for requirement in record.requirements}


def _describe_finding(found: Finding) -> str:
    first = found.occurrences[0]
    expected = f"Expected {first.check.expected}; got " if first.check.expected else ""
    return f"{expected}{first.actual}"


def _describe_cause(scenarios: list[str], reasons: Iterable[str]) -> str:
    """Return the reason of a scenario, or else the scenarios that the verdict follows from."""
    reason = next(iter(reasons), "")
    if reason or not scenarios:
        return reason
    others = len(scenarios) - 1
    return f"Caused by {scenarios[0]}" + (
        f" and {pluralize(others, 'other scenario')}." if others else "."
    )
