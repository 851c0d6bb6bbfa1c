"""Findings in words, for every view: who does it, how serious it is, and the conclusion."""

from __future__ import annotations

from tus_conformance.doctor.diagnosis import Diagnosis
from tus_conformance.doctor.finding import DoctorFinding

SEVERITIES = {"breaks": "breaks resuming", "limits": "a limitation"}


def describe_culprit(finding: DoctorFinding, diagnosis: Diagnosis) -> str:
    """Return who does it, in words, with the reason."""
    on_the_way = diagnosis.facts.get("Recognised on the way", "")
    if finding.culprit == "server":
        who = "the tus server"
    elif finding.culprit == "proxy":
        who = f"the proxy ({finding.culprit_name})" if finding.culprit_name else "the proxy"
    elif on_the_way:
        who = f"unknown; {on_the_way} was recognised on the way"
    else:
        who = "unknown"
    return f"{who}: {finding.why}" if finding.why else who


def chosen_lines(finding: DoctorFinding, diagnosis: Diagnosis) -> dict[str, str]:
    """Return the configuration lines of the products that were recognised, or nothing."""
    if finding.culprit == "server":
        return {}
    on_the_way = diagnosis.facts.get("Recognised on the way", "").split(", ")
    wanted = {finding.culprit_name, *on_the_way}
    if "nginx" in wanted:
        wanted.add("Kubernetes ingress-nginx")  # it answers as nginx does
    return {name: lines for name, lines in finding.lines.items() if name in wanted}


def conclude(diagnosis: Diagnosis) -> str:
    """Return the result in a sentence."""
    if diagnosis.problem:
        return f"Undetermined. {diagnosis.problem}"
    breaking = sum(finding.severity == "breaks" for finding in diagnosis.findings)
    limiting = len(diagnosis.findings) - breaking
    if breaking:
        rest = f", and {_count(limiting, 'limitation')}" if limiting else ""
        return f"Resuming breaks: {_count(breaking, 'finding')}{rest}."
    if diagnosis.exit_code:
        return "Undetermined: a stage could not be examined."
    if limiting:
        return f"Fit for resumable uploads, with {_count(limiting, 'limitation')}."
    return "Fit for resumable uploads."


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def offer_direct(diagnosis: Diagnosis) -> str:
    """Return what would show who does it, or nothing where that is known."""
    if all(finding.culprit != "unknown" for finding in diagnosis.findings):
        return ""
    return (
        "Who does it is unknown for some findings: `--direct URL` compares with the server itself,"
        " `--mirror PORT` takes its place behind the proxy."
    )
