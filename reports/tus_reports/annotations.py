"""The run as annotations of a GitHub job: workflow commands, one line for each finding."""

from __future__ import annotations

from tus_reports.findings import collect_findings
from tus_reports.record_reader import Record
from tus_reports.totals import pluralize
from tus_reports.transcript import escape_controls

_COMMANDS = {"warn": "warning", "known": "notice"}
"""The workflow command of a verdict; an error for all others."""


def github_annotations(record: Record) -> str:
    """Return workflow commands: an error for a violation, a warning, a notice.

    A notice is a failure that the baseline lists. What is unclear is an error, too.
    """
    found = collect_findings(record.scenarios, record.requirements)
    lines = []
    for each in found.findings:
        first = each.occurrences[0]
        said = f"{each.requirement.statement or each.requirement.section} "
        said += f"Expected: {first.check.expected or 'otherwise'}. Actual: {first.actual}."
        verdict = "known" if each.is_known else each.verdict
        lines.append(_workflow_command(verdict, each.requirement.id, said))
    for blocker in found.blockers:
        count = pluralize(len(blocker.scenarios), "scenario")
        names = ", ".join(blocker.requirements)
        title = f"{blocker.verdict}: {count}" if blocker.scenarios else names
        lines.append(_workflow_command(blocker.verdict, title, blocker.reason))
    for pair in record.footer.fixed_failures if record.footer else ():
        said = "It is listed in the baseline and passes now; delete its line."
        lines.append(_workflow_command("fail", pair, said))
    return "".join(line + "\n" for line in lines)


def _workflow_command(verdict: str, title: str, message: str) -> str:
    return format_command(_COMMANDS.get(verdict, "error"), title, message)


def format_command(name: str, title: str, message: str) -> str:
    """Return a workflow command: `name` is error, warning or notice."""
    return f"::{name} title={_escape_property(title)}::{_escape_data(message)}"


def _escape_data(text: str) -> str:
    return escape_controls(text).replace("%", "%25")


def _escape_property(text: str) -> str:
    return _escape_data(text).replace(":", "%3A").replace(",", "%2C")
