"""The gates: what must hold of the findings, each with a sentence for what does not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from proof.exceptions import but_for, exceptions
from proof.findings import Findings
from proof.gradable import PROBED, gradable_rows, gradable_scenarios, noted_rows
from tus_reference.eccentrics import eccentrics
from tus_reference.faults import faults
from tus_scenarios import ledger


def declarations() -> Iterator[str]:
    """Say which declared requirement the ledger does not have."""
    for fault in faults().values():
        for row in fault.violates:
            if row not in ledger():
                yield f"{fault.id} declares {row}, which the ledger does not have."


def as_declared(findings: Findings) -> Iterator[str]:
    """Say which fault does not violate just what it declares."""
    for found in findings.faults:
        declared = faults()[found.id].violates
        if found.violates == declared:
            continue
        missing = {row: g for row, g in declared.items() if found.violates.get(row) != g}
        more = {row: g for row, g in found.violates.items() if declared.get(row) != g}
        yield f"{found.id} violates {_shown(more)} undeclared, and not {_shown(missing)}."


def _shown(rows: Mapping[str, str]) -> str:
    return ", ".join(f"{row} ({grade})" for row, grade in rows.items()) or "nothing"


def legal(findings: Findings) -> Iterator[str]:
    """Say which eccentric is charged with more, or less, than it declares, or not judged."""
    for found in findings.eccentrics:
        declared = dict.fromkeys(eccentrics()[found.id].warns, "warn") if found.id else {}
        if found.violates != declared:
            yield f"{found.id or 'the reference'} is charged with {_shown(found.violates)}."
        if found.undetermined:
            yield f"{found.id or 'the reference'} leaves open {_shown(found.undetermined)}."


def covered(findings: Findings) -> Iterator[str]:
    """Say which row that can be graded has no fault that breaks it first of all."""
    broken = {found.breaks for found in findings.faults if found.breaks in found.violates}
    without = (row for row in gradable_rows() if row not in broken)
    return but_for(without, exceptions().rows, "has no fault")


def killing(findings: Findings) -> Iterator[str]:
    """Say which scenario finds no fault."""
    failed = {name for found in findings.faults for name in found.fails}
    without = (name for name in gradable_scenarios() if name not in failed)
    return but_for(without, exceptions().scenarios, "finds no fault")


def proven(findings: Findings) -> Iterator[str]:
    """Say which check was seen one way only."""
    return but_for(findings.unproven, exceptions().checks, "so that it shows nothing")


def only_noted(findings: Findings) -> Iterator[str]:
    """Say which row that is taken for one that is never graded was graded.

    A server that fails altogether is failed in any of these rows, but not in those of PROBED.
    """
    for found in findings.faults:
        for row in noted_rows():
            grade = found.violates.get(row)
            if grade == "warn" or (grade and row in PROBED):
                yield f"{found.id} violates {row}, which is taken for one that cannot be."


Gate = Callable[[Findings], Iterable[str]]

OF_EACH: dict[str, Gate] = {
    "Each fault violates what it declares, and nothing else": as_declared,
    "Each eccentric is charged with what it declares, and nothing else": legal,
}
"""What holds of every server by itself, whichever others are judged."""

GATES: dict[str, Gate] = {
    "What is declared is in the ledger": lambda _: declarations(),
    **OF_EACH,
    "Each row that can be graded has a fault": covered,
    "Each scenario finds a fault": killing,
    "Each check was seen to hold and to be violated, and each probe in two ways": proven,
    "What is never graded never was": only_noted,
}
