"""The diagnosis as Markdown, for an issue or the summary of a job."""

from __future__ import annotations

from tus_conformance.doctor.culprit_text import (
    SEVERITIES,
    chosen_lines,
    conclude,
    describe_culprit,
    offer_direct,
)
from tus_conformance.doctor.diagnosis import Diagnosis
from tus_conformance.doctor.finding import DoctorFinding
from tus_reports.transcript import escape_controls, format_exchange

_STATES = {
    "clean": "clean",
    "findings": "**findings**",
    "not-examined": "not examined",
    "undetermined": "undetermined",
}


def format_markdown(diagnosis: Diagnosis) -> str:
    """Return a Markdown document."""
    lines = [
        f"# tus-conformance doctor: {_escape(diagnosis.target)}",
        "",
        _escape(conclude(diagnosis)),
    ]
    if offer := offer_direct(diagnosis):
        lines += ["", offer]
    for finding in diagnosis.findings:
        lines += ["", *_format_finding(finding, diagnosis)]
    lines += ["", "## Stages", "", "| stage | result |", "|---|---|"]
    for stage in diagnosis.stages:
        more = ", ".join(f"`{each}`" for each in stage.findings) or _escape(stage.reason)
        state = _STATES[stage.state]
        lines.append(f"| {stage.title} | {state}{f': {more}' if more else ''} |")
    if diagnosis.facts:
        lines += ["", "## Observations", ""]
        lines += [f"- {name}: {_escape(value)}" for name, value in diagnosis.facts.items()]
    return "\n".join(lines) + "\n"


def _format_finding(finding: DoctorFinding, diagnosis: Diagnosis) -> list[str]:
    lines = [f"## {finding.title}", "", _escape(finding.sentence), ""]
    lines += [f"- **Severity**: {SEVERITIES[finding.severity]} (`{finding.id}`)"]
    lines += [f"- **Who does it**: {_escape(describe_culprit(finding, diagnosis))}"]
    lines += [f"- **Clients**: {finding.clients}", f"- **Cure**: {finding.cure}"]
    if finding.culprit != "server":
        chosen = chosen_lines(finding, diagnosis) or finding.lines
        for name, configuration in chosen.items():
            lines += ["", f"{name}:", "", *_fence(configuration)]
    for exchange in finding.exchanges:
        text = "\n".join(line.text for line in format_exchange(exchange))
        lines += ["", *_fence(text)]
    for head in finding.upstream:
        lines += ["", "As it arrived behind the proxy:", "", *_fence(head)]
    return lines


def _fence(text: str) -> list[str]:
    """Return a code block whose fence is longer than any in the text."""
    shown = "\n".join(map(escape_controls, text.splitlines()))
    fence = "```"
    while fence in shown:
        fence += "`"
    return [fence, shown, fence]


def _escape(text: str) -> str:
    """Return text without what Markdown would take for markup."""
    shown = escape_controls(text)
    for character in ("\\", "`", "*", "_", "[", "]", "<", ">", "|"):
        shown = shown.replace(character, f"\\{character}")
    return shown
