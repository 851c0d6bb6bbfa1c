"""The run as annotations of a GitHub job: workflow commands, one line for each finding."""

from __future__ import annotations

from tus_reports.findings import digest
from tus_reports.reader import Record
from tus_reports.tally import plural
from tus_reports.transcript import visible


def github_annotations(record: Record) -> str:
    """Return workflow commands: an error for what is violated or unclear, a warning for a warn."""
    found = digest(record.scenarios, record.requirements)
    lines = []
    for each in found.findings:
        first = each.occurrences[0]
        said = f"{each.requirement.statement or each.requirement.section} "
        said += f"Expected: {first.check.expected or 'otherwise'}. Actual: {first.came}."
        lines.append(_command(each.verdict, each.requirement.id, said))
    for obstacle in found.obstacles:
        count = plural(len(obstacle.scenarios), "scenario")
        names = ", ".join(obstacle.requirements)
        title = f"{obstacle.verdict}: {count}" if obstacle.scenarios else names
        lines.append(_command(obstacle.verdict, title, obstacle.reason))
    return "".join(line + "\n" for line in lines)


def _command(verdict: str, title: str, message: str) -> str:
    name = "warning" if verdict == "warn" else "error"
    return f"::{name} title={_property(title)}::{_data(message)}"


def _data(text: str) -> str:
    return visible(text).replace("%", "%25")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
