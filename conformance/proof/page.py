"""The page that says how far to trust the verdicts, made from the result of the proof."""

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
from proof.results import DefectResult, ProofResult
from tus_conformance.evaluation.invariants import invariants
from tus_conformance.runner.cell_coverage import AXES, compute_cells
from tus_defects import defects, quirks
from tus_scenarios import ledger, scenarios

INTRODUCTION = """\
# How far to trust these verdicts

A verdict is worth as much as the check behind it. So the suite runs against servers with known
defects: each breaks one requirement, and others that necessarily break with it. The suite has to
find exactly these. It also runs against servers with quirks, which are unusual and conform: it must
not fail any of them.

- [In figures](#in-figures)
- [What is not proven](#what-is-not-proven)
- [Requirements and the defects that break them](#requirements-and-the-defects-that-break-them)
- [Defects](#defects)
- [Quirks](#quirks)

Start any of these servers with `tus-reference --defect ID` or `tus-reference --quirk ID`; `list`
in place of the ID lists them all. Those about expiry and time-outs need a server with short ones,
such as `--expire-after 20s --network-timeout 8s`.

`nox -s proof` evaluates them all and fails when the verdicts differ from
`conformance/proof/matrix.json`, or this page is out of date; `nox -s proof -- --write` writes both,
and their diff is reviewed. The tests evaluate each defect by as few scenarios as show everything
that it violates.
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
    broken = {found.breaks for found in findings.defects if found.breaks in found.violates}
    with_defect = [row for row in rows if row in broken]
    failed = {name for found in findings.defects for name in found.fails}
    killed = [found for found in findings.defects if found.breaks in found.violates]
    side = sum(len(found.violates) - 1 for found in killed)
    quirks_ = [found for found in findings.quirks if found.id]
    fine = [each for each in quirks_ if "fail" not in each.violates.values()]
    alone = [found for found in killed if len(found.violates) == 1]
    every = gradable_checks()
    gradable = sum(check.gradable for check in every)
    return {
        "defects": str(len(findings.defects)),
        "defects found by the requirement that they break": _percentage(killed, findings.defects),
        "defects that violate nothing else": _percentage(alone, findings.defects),
        "other requirements violated by defects": str(side),
        "requirements that can be graded fail or warn, with a defect": _percentage(
            with_defect, rows
        ),
        "scenarios that can fail or warn, and did": _percentage(failed & set(names), names),
        **_cell_figures(),
        "quirks": str(len(quirks_)),
        "quirks that fail no requirement": _percentage(fine, quirks_),
        "checks that can be violated, in scenarios that are data": str(gradable),
        "probes, in scenarios that are data": str(len(every) - gradable),
        "checks and probes with only one outcome": str(len(findings.unproven)),
    }


def _cell_figures() -> dict[str, str]:
    """Return how many cells the scenarios exercise: requirement and kind, way, size, or all."""
    cells = compute_cells(scenarios(), invariants())
    return {
        f"cells exercised: {' x '.join(axes)}": (
            f"{cells.exercised(*axes)} of {cells.possible(*axes)}"
        )
        for axes in (AXES[:2], (AXES[0], AXES[2]), (AXES[0], AXES[3]), AXES)
    }


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
        ("Requirements without a defect", kept.rows),
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
    for found in findings.defects:
        for row, grade in found.violates.items():
            shown = f"**{found.id}**" if row == found.breaks else found.id
            killers[row].append(f"{shown} ({grade})" if grade == "warn" else shown)
    lines = ["## Requirements and the defects that break them", ""]
    lines += [
        "The defects that are about a requirement are in bold.",
        "",
        "| requirement | defects |",
    ]
    lines += ["|---|---|"]
    lines += [f"| `{row}` | {', '.join(killers[row])} |" for row in ledger() if killers[row]]
    return "\n".join([*lines, ""])


def _defect_table(findings: ProofResult) -> str:
    lines = ["## Defects", "", "| defect | what is wrong | violates |", "|---|---|---|"]
    lines += [
        f"| `{found.id}` | {_defect_sentence(found)} | {_violation_list(found)} |"
        for found in findings.defects
    ]
    return "\n".join([*lines, ""])


def _defect_sentence(found: DefectResult) -> str:
    on = f" (on `{found.on}`)" if found.on else ""
    return " ".join(defects()[found.id].sentence.split()) + on


def _violation_list(found: DefectResult) -> str:
    ordered = sorted(found.violates.items(), key=lambda item: item[0] != found.breaks)
    return ", ".join(f"`{row}`" + (" (warn)" if grade == "warn" else "") for row, grade in ordered)


def _quirk_table(findings: ProofResult) -> str:
    lines = ["## Quirks", "", "| quirk | what is unusual | warnings |", "|---|---|---|"]
    for found in findings.quirks:
        if found.id:
            warned = ", ".join(f"`{row}`" for row in found.violates) or "nothing"
            lines.append(f"| `{found.id}` | {quirks()[found.id].sentence} | {warned} |")
    return "\n".join([*lines, ""])
