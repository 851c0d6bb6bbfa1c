"""What a run says of each requirement, in a sentence: what was found, or why nothing was."""

from __future__ import annotations

from collections.abc import Iterable

from tus_reports.findings import Digest, Finding, digest
from tus_reports.reader import Record
from tus_reports.record import Requirement
from tus_reports.tally import plural


def sayings(record: Record, found: Digest | None = None) -> dict[str, str]:
    """Return the sentence for each requirement by its id, empty where it simply held."""
    found = found or digest(record.scenarios, record.requirements)
    findings = {each.requirement.id: each for each in found.findings}
    notes = {
        remark.requirements[0]: remark.text
        for remark in found.remarks
        if remark.verdict == "note" and remark.requirements
    }
    reasons = {each.id: each.reason for each in record.scenarios if each.reason}
    verdicts = {each.id: each.verdict for each in record.scenarios}

    def said(row: Requirement) -> str:
        if row.verdict == "pass":
            return ""
        if row.id in findings and findings[row.id].verdict == row.verdict:
            return _told(findings[row.id])
        own = notes.get(row.id, "") if row.verdict == "note" else ""
        like = [name for name in row.scenarios if verdicts.get(name) == row.verdict]
        told = (reasons[name] for name in like or row.scenarios if name in reasons)
        return own or row.reason or _by(like, told)

    return {row.id: said(row) for row in record.requirements}


def _told(found: Finding) -> str:
    first = found.occurrences[0]
    wanted = f"Expected {first.check.expected}; got " if first.check.expected else ""
    return f"{wanted}{first.came}"


def _by(scenarios: list[str], reasons: Iterable[str]) -> str:
    """Tell the reason of a scenario, or else which scenarios the verdict follows from."""
    reason = next(iter(reasons), "")
    if reason or not scenarios:
        return reason
    others = len(scenarios) - 1
    return f"It follows from {scenarios[0]}" + (
        f" and {plural(others, 'other scenario')}." if others else "."
    )
