"""The diagnosis as text for a terminal."""

from __future__ import annotations

from textwrap import indent, wrap

from tus_conformance.doctor.culprit_text import (
    SEVERITIES,
    chosen_lines,
    conclude,
    describe_culprit,
    offer_direct,
)
from tus_conformance.doctor.diagnosis import Diagnosis
from tus_conformance.doctor.finding import DoctorFinding
from tus_conformance.doctor.stage import StageResult
from tus_reports.text_layout import PLAIN_WIDTH
from tus_reports.transcript import format_exchange

_CONTINUED = " " * 9
_QUOTE = "     | "
_MARKS = {"clean": "ok", "findings": "FOUND", "not-examined": "-", "undetermined": "?"}


def format_stage(result: StageResult) -> str:
    """Return a stage in one line."""
    mark = _MARKS[result.state]
    more = ", ".join(result.findings)
    if result.state == "not-examined":
        more = f"not examined, {result.reason}"
    elif result.reason:
        more = f"{more}; {result.reason}" if more else result.reason
    line = f"  {mark:<6} {result.title}"
    text = f"{line}: {more}" if more else line
    return "\n".join(wrap(text, PLAIN_WIDTH, subsequent_indent=_CONTINUED))


def format_diagnosis(diagnosis: Diagnosis) -> str:
    """Return the findings, the facts and the conclusion; the stages were printed before."""
    lines = [""]
    for name, value in diagnosis.facts.items():
        lines += wrap(f"  {name}: {value}", PLAIN_WIDTH, subsequent_indent="    ")
    for number, finding in enumerate(diagnosis.findings, 1):
        lines += ["", *_format_finding(number, finding, diagnosis)]
    lines += ["", *wrap(conclude(diagnosis), PLAIN_WIDTH)]
    if offer := offer_direct(diagnosis):
        lines += wrap(offer, PLAIN_WIDTH)
    return "\n".join(lines if not diagnosis.problem else lines[2:])


def _format_finding(number: int, finding: DoctorFinding, diagnosis: Diagnosis) -> list[str]:
    title = f"{number}. {finding.title} ({SEVERITIES[finding.severity]}, {finding.id})"
    lines = wrap(title, PLAIN_WIDTH, subsequent_indent="   ")
    lines += _paragraph("", finding.sentence)
    lines += _paragraph("Who does it: ", describe_culprit(finding, diagnosis))
    lines += _paragraph("Clients: ", finding.clients)
    lines += _paragraph("Cure: ", finding.cure)
    chosen = chosen_lines(finding, diagnosis)
    for name, configuration in chosen.items():
        lines += [f"     {name}:", indent(configuration, "         ")]
    if finding.lines and not chosen and finding.culprit != "server":
        products = ", ".join(finding.lines)
        lines += _paragraph("", f"--markdown has the lines for {products}.")
    for exchange in finding.exchanges:
        for line in format_exchange(exchange):
            lines += _quote(line.text)
        lines.append("     |")
    for head in finding.upstream:
        lines.append("     as it arrived behind the proxy:")
        for text in head.splitlines():
            lines += _quote(text)
    return lines


def _paragraph(label: str, text: str) -> list[str]:
    return wrap(f"{label}{text}", PLAIN_WIDTH, initial_indent="   ", subsequent_indent="   ")


def _quote(line: str) -> list[str]:
    """Return a line of an exchange as lines that fit; the bytes stay as they are."""
    room = PLAIN_WIDTH - len(_QUOTE) - 2
    first, rest = line[:room], line[room:]
    pieces = [rest[at : at + room] for at in range(0, len(rest), room)]
    return [f"{_QUOTE}{first}", *(f"{_QUOTE}  {piece}" for piece in pieces)]
