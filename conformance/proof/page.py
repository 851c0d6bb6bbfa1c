"""The page that says how far to trust the verdicts, made of the findings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection

from proof.gate_exceptions import exceptions
from proof.gates import GATES
from proof.gradable_checks import (
    gradable_checks,
    gradable_requirements,
    gradable_scenarios,
    noted_requirements,
)
from proof.results import DefectResult, ProofResult, QuirkResult
from tus_reference.defects import defects
from tus_reference.quirks import quirks
from tus_scenarios import ledger

INTRODUCTION = """\
# How far to trust these verdicts

A verdict is worth as much as the check behind it. So the suite is held against servers whose
faults are known: each breaks one requirement, and declares which other ones necessarily break with
it. The suite has to find just these, no more and no fewer. And it is held against servers that are
unusual and right: it must not fail any of them.

- [In figures](#in-figures)
- [What is not proven](#what-is-not-proven)
- [Requirements and the faults that break them](#requirements-and-the-faults-that-break-them)
- [Faults](#faults)
- [Eccentrics](#eccentrics)

All of these servers can be started to try a client, or to see for oneself:
`tus-reference --misbehave ID`, `tus-reference --eccentric ID`; `list` in place of the ID tells
them all. Some show in memory alone, where time is made to pass: those about expiry and time-outs
need a server that is started with short ones.

`nox -s proof` judges them all and fails when this page, or the data behind it in
`conformance/proof/matrix.json`, is not what it finds; `nox -s proof -- --write` writes both. Every
run of the tests judges each fault by as few scenarios as show everything that it violates.
"""


def render_page(findings: ProofResult) -> str:
    """Return the page in Markdown."""
    parts = [
        INTRODUCTION,
        _figure_table(findings),
        _gap_list(findings),
        _requirement_table(findings),
    ]
    parts += [_defect_table(findings), _quirk_table(findings)]
    return "\n".join(parts)


def count_figures(findings: ProofResult) -> dict[str, str]:
    """Return the figures of the proof, each with its name."""
    rows, names = gradable_requirements(), gradable_scenarios()
    broken = {found.breaks for found in findings.faults if found.breaks in found.violates}
    with_fault = [row for row in rows if row in broken]
    failed = {name for found in findings.faults for name in found.fails}
    killed = [found for found in findings.faults if found.breaks in found.violates]
    side = sum(len(found.violates) - 1 for found in killed)
    quirks_ = [found for found in findings.eccentrics if found.id]
    fine = [
        each
        for each in quirks_
        if each.violates == dict.fromkeys(_warned_requirements(each), "warn")
    ]
    alone = [found for found in killed if len(found.violates) == 1]
    every = list(gradable_checks())
    gradable = sum(check.gradable for check in every)
    return {
        "faults": str(len(findings.faults)),
        "faults found by the requirement that they break": _percentage(killed, findings.faults),
        "faults that violate nothing else": _percentage(alone, findings.faults),
        "other requirements violated by faults, each as declared": str(side),
        "requirements that can be graded fail or warn, with a fault": _percentage(with_fault, rows),
        "scenarios that can come out as fail or warn, seen to": _percentage(
            failed & set(names), names
        ),
        "eccentrics": str(len(quirks_)),
        "eccentrics without a fail, and warned as declared": _percentage(fine, quirks_),
        "checks that can be violated, in scenarios that are data": str(gradable),
        "probes, in scenarios that are data": str(len(every) - gradable),
        "checks, and probes, of these and of stories, seen one way only": str(
            len(findings.unproven)
        ),
    }


def _warned_requirements(found: QuirkResult) -> Collection[str]:
    return quirks()[found.id].warns


def _percentage(some: Collection[object], every: Collection[object]) -> str:
    return f"{len(some)} of {len(every)}"


def _figure_table(findings: ProofResult) -> str:
    lines = [f"| {name} | {figure} |" for name, figure in count_figures(findings).items()]
    return "\n".join(["## In figures", "", "| | |", "|---|---:|", *lines, ""])


def _gap_list(findings: ProofResult) -> str:
    lines = ["## What is not proven", ""]
    for name, gate in GATES.items():
        lines.append(f"- {name}: {'yes' if not list(gate(findings)) else 'no'}.")
        lines += [f"  - {sentence}" for sentence in gate(findings)]
    kept = exceptions()
    for what, named in (
        ("Requirements without a fault", kept.rows),
        ("Scenarios that were not seen to fail", kept.scenarios),
        ("Checks that were seen one way only, by scenario, step and place in it", kept.checks),
        (
            "Requirements that are looked at and only noted, unless the server fails",
            noted_requirements(),
        ),
    ):
        if named:
            lines += ["", f"{what}, with the reason:", ""]
            lines += [f"- `{name}`: {reason}" for name, reason in named.items()]
    return "\n".join([*lines, ""])


def _requirement_table(findings: ProofResult) -> str:
    killers: dict[str, list[str]] = defaultdict(list)
    for found in findings.faults:
        for row, grade in found.violates.items():
            shown = f"**{found.id}**" if row == found.breaks else found.id
            killers[row].append(f"{shown} ({grade})" if grade == "warn" else shown)
    lines = ["## Requirements and the faults that break them", ""]
    lines += [
        "The faults that are about a requirement are in bold.",
        "",
        "| requirement | faults |",
    ]
    lines += ["|---|---|"]
    lines += [f"| `{row}` | {', '.join(killers[row])} |" for row in ledger() if killers[row]]
    return "\n".join([*lines, ""])


def _defect_table(findings: ProofResult) -> str:
    lines = ["## Faults", "", "| fault | what is wrong | violates |", "|---|---|---|"]
    lines += [
        f"| `{found.id}` | {_defect_sentence(found)} | {_violation_list(found)} |"
        for found in findings.faults
    ]
    return "\n".join([*lines, ""])


def _defect_sentence(found: DefectResult) -> str:
    on = f" (on `{found.on}`)" if found.on else ""
    return " ".join(defects()[found.id].sentence.split()) + on


def _violation_list(found: DefectResult) -> str:
    ordered = sorted(found.violates.items(), key=lambda item: item[0] != found.breaks)
    return ", ".join(f"`{row}`" + (" (warn)" if grade == "warn" else "") for row, grade in ordered)


def _quirk_table(findings: ProofResult) -> str:
    lines = ["## Eccentrics", "", "| eccentric | what is unusual | warned of |", "|---|---|---|"]
    for found in findings.eccentrics:
        if found.id:
            warned = ", ".join(f"`{row}`" for row in found.violates) or "nothing"
            lines.append(f"| `{found.id}` | {quirks()[found.id].sentence} | {warned} |")
    return "\n".join([*lines, ""])
