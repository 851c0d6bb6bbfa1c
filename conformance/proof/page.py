"""The page that says how far to trust the verdicts, made of the findings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection

from proof.exceptions import exceptions
from proof.findings import EccentricFound, FaultFound, Findings
from proof.gates import GATES
from proof.gradable import checks, gradable_rows, gradable_scenarios, noted_rows
from tus_reference.eccentrics import eccentrics
from tus_reference.faults import faults
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
    fine = [each for each in oddities if each.violates == dict.fromkeys(_warned(each), "warn")]
    alone = [found for found in killed if len(found.violates) == 1]
    every = list(checks())
    gradable = sum(check.gradable for check in every)
    return {
        "faults": str(len(findings.faults)),
        "faults found by the requirement that they break": _share(killed, findings.faults),
        "faults that violate nothing else": _share(alone, findings.faults),
        "other requirements violated by faults, each as declared": str(side),
        "requirements that can be graded fail or warn, with a fault": _share(with_fault, rows),
        "scenarios that can come out as fail or warn, seen to": _share(failed & set(names), names),
        "eccentrics": str(len(oddities)),
        "eccentrics without a fail, and warned as declared": _share(fine, oddities),
        "checks that can be violated, in scenarios that are data": str(gradable),
        "probes, in scenarios that are data": str(len(every) - gradable),
        "checks, and probes, of these and of stories, seen one way only": str(
            len(findings.unproven)
        ),
    }


def _warned(found: EccentricFound) -> Collection[str]:
    return eccentrics()[found.id].warns


def _share(some: Collection[object], every: Collection[object]) -> str:
    return f"{len(some)} of {len(every)}"


def _summary(findings: Findings) -> str:
    lines = [f"| {name} | {figure} |" for name, figure in figures(findings).items()]
    return "\n".join(["## In figures", "", "| | |", "|---|---:|", *lines, ""])


def _gaps(findings: Findings) -> str:
    lines = ["## What is not proven", ""]
    for name, gate in GATES.items():
        lines.append(f"- {name}: {'yes' if not list(gate(findings)) else 'no'}.")
        lines += [f"  - {sentence}" for sentence in gate(findings)]
    kept = exceptions()
    for what, named in (
        ("Requirements without a fault", kept.rows),
        ("Scenarios that were not seen to fail", kept.scenarios),
        ("Checks that were seen one way only, by scenario, step and place in it", kept.checks),
        ("Requirements that are looked at and only noted, unless the server fails", noted_rows()),
    ):
        if named:
            lines += ["", f"{what}, with the reason:", ""]
            lines += [f"- `{name}`: {reason}" for name, reason in named.items()]
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
