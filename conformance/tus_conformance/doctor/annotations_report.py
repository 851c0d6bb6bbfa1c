"""The diagnosis as annotations of a GitHub job."""

from __future__ import annotations

from tus_conformance.doctor.culprit_text import conclude, describe_culprit
from tus_conformance.doctor.diagnosis import Diagnosis
from tus_reports.annotations import format_command

_LEVELS = {"breaks": "error", "limits": "warning"}


def format_annotations(diagnosis: Diagnosis) -> str:
    """Return workflow commands, one a finding: errors for what breaks, else warnings."""
    lines = [
        format_command(
            _LEVELS[finding.severity],
            finding.id,
            f"{finding.sentence} Who does it: {describe_culprit(finding, diagnosis)}."
            f" {finding.cure}",
        )
        for finding in diagnosis.findings
    ]
    if diagnosis.problem or (not diagnosis.findings and diagnosis.exit_code):
        lines.append(format_command("error", "undetermined", conclude(diagnosis)))
    return "".join(f"{line}\n" for line in lines)
