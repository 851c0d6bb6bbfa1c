"""The page that says how far to trust the verdicts, made of the findings."""

from __future__ import annotations

from collections import defaultdict

from proof.findings import FaultFound, Findings
from proof.gates import GATES, WITHOUT_FAULT
from proof.gradable import checks, gradable_rows, gradable_scenarios
from tus_reference.eccentrics import eccentrics
from tus_reference.faults import faults
from tus_scenarios import ledger

INTRODUCTION = """\
# How far to trust these verdicts

A verdict is worth as much as the check behind it. So the suite is held against servers whose
faults are known: each breaks one requirement, and says beforehand which other ones necessarily
break with it. The suite has to find just these, no more and no fewer. And it is held against
servers that are unusual and right: it must not fail any of them.

All of them can be started to try a client, or to see for oneself:
`tus-reference --misbehave ID`, `tus-reference --eccentric ID`.

This page and `matrix.json` are written by `nox -s proof -- --write` and checked by `nox -s proof`.
"""


def page(findings: Findings) -> str:
    """Return the page in Markdown."""
    parts = [INTRODUCTION, _summary(findings), _gaps(findings), _rows(findings)]
    parts += [_faults(findings), _eccentrics(findings)]
    return "\n".join(parts)


def figures(findings: Findings) -> dict[str, str]:
    """Return the figures of the proof, each with its name."""
    rows, names = gradable_rows(), gradable_scenarios()
    broken = {found.breaks for found in findings.faults if found.breaks in found.violates}
    with_fault = [row for row in rows if row in broken]
    failed = {name for found in findings.faults for name in found.fails}
    killed = [found for found in findings.faults if found.breaks in found.violates]
    side = sum(len(found.violates) - 1 for found in killed)
    oddities = [found for found in findings.eccentrics if found.id]
    fine = [found for found in oddities if "fail" not in found.violates.values()]
    every = [check for check in checks() if check.gradable]
    return {
        "faults": str(len(findings.faults)),
        "found by the requirement that they break": f"{len(killed)} of {len(findings.faults)}",
        "other requirements that break with them, as declared": str(side),
        "requirements that can be graded, with a fault": f"{len(with_fault)} of {len(rows)}",
        "scenarios that can fail, seen to fail": f"{len(failed & set(names))} of {len(names)}",
        "eccentrics": str(len(oddities)),
        "eccentrics without a fail": f"{len(fine)} of {len(oddities)}",
        "checks that can be violated": str(len(every)),
        "checks and probes not seen both ways": str(len(findings.unproven)),
    }


def _summary(findings: Findings) -> str:
    lines = [f"| {name} | {figure} |" for name, figure in figures(findings).items()]
    return "\n".join(["## In figures", "", "| | |", "|---|---:|", *lines, ""])


def _gaps(findings: Findings) -> str:
    lines = ["## What is not proven", ""]
    for name, gate in GATES.items():
        found = list(gate(findings))
        lines += [f"- {name}: {'yes' if not found else f'no, {len(found)} exceptions'}."]
        lines += [f"  - {sentence}" for sentence in found]
    for row, reason in WITHOUT_FAULT.items():
        lines.append(f"- `{row}` needs no fault. {reason}")
    if findings.unproven:
        lines += ["", "Checks that were seen one way only (step and place in their scenario):", ""]
        lines += [f"- `{each}`" for each in findings.unproven]
    return "\n".join([*lines, ""])


def _rows(findings: Findings) -> str:
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


def _faults(findings: Findings) -> str:
    lines = ["## Faults", "", "| fault | what is wrong | violates |", "|---|---|---|"]
    lines += [
        f"| `{found.id}` | {_sentence(found)} | {_violated(found)} |" for found in findings.faults
    ]
    return "\n".join([*lines, ""])


def _sentence(found: FaultFound) -> str:
    on = f" (on `{found.on}`)" if found.on else ""
    return " ".join(faults()[found.id].sentence.split()) + on


def _violated(found: FaultFound) -> str:
    ordered = sorted(found.violates.items(), key=lambda item: item[0] != found.breaks)
    return ", ".join(f"`{row}`" + (" (warn)" if grade == "warn" else "") for row, grade in ordered)


def _eccentrics(findings: Findings) -> str:
    lines = ["## Eccentrics", "", "| eccentric | what is unusual | warned of |", "|---|---|---|"]
    for found in findings.eccentrics:
        if found.id:
            warned = ", ".join(f"`{row}`" for row in found.violates) or "nothing"
            lines.append(f"| `{found.id}` | {eccentrics()[found.id].sentence} | {warned} |")
    return "\n".join([*lines, ""])
