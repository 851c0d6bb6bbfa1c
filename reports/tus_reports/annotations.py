"""The run as annotations of a GitHub job: workflow commands, one line for each finding."""

from __future__ import annotations

from tus_reports.findings import collect_findings
from tus_reports.record_reader import Record
from tus_reports.totals import pluralize
from tus_reports.transcript import escape_controls


def github_annotations(record: Record) -> str:
    """Return workflow commands: an error for what is violated or unclear, a warning for a warn."""
    found = collect_findings(record.scenarios, record.requirements)
    lines = []
    for each in found.findings:
        first = each.occurrences[0]
        said = f"{each.requirement.statement or each.requirement.section} "
        said += f"Expected: {first.check.expected or 'otherwise'}. Actual: {first.actual}."
        lines.append(_workflow_command(each.verdict, each.requirement.id, said))
    for blocker in found.blockers:
        count = pluralize(len(blocker.scenarios), "scenario")
        names = ", ".join(blocker.requirements)
        title = f"{blocker.verdict}: {count}" if blocker.scenarios else names
        lines.append(_workflow_command(blocker.verdict, title, blocker.reason))
    return "".join(line + "\n" for line in lines)


def _workflow_command(verdict: str, title: str, message: str) -> str:
    name = "warning" if verdict == "warn" else "error"
    return f"::{name} title={_escape_property(title)}::{_escape_data(message)}"


def _escape_data(text: str) -> str:
    return escape_controls(text).replace("%", "%25")


def _escape_property(text: str) -> str:
    return _escape_data(text).replace(":", "%3A").replace(",", "%2C")
