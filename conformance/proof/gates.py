"""The gates: what must hold of the findings, each with a sentence for what does not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from proof.findings import Findings
from proof.gradable import gradable_rows, gradable_scenarios
from tus_conformance.running.rows import AGGREGATE
from tus_reference.eccentrics import eccentrics
from tus_reference.faults import faults
from tus_scenarios import ledger

WITHOUT_FAULT = {
    AGGREGATE: "It is the sum of the core's rows; every fault in the core breaks it.",
}
"""Rows for which no fault is needed, with the reason."""


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
    for row in gradable_rows():
        if row not in broken and row not in WITHOUT_FAULT:
            yield f"{row} has no fault."


def killing(findings: Findings) -> Iterator[str]:
    """Say which scenario finds no fault."""
    failed = {name for found in findings.faults for name in found.fails}
    for name in gradable_scenarios():
        if name not in failed:
            yield f"{name} finds no fault."


GATES = {
    "What is declared is in the ledger": lambda _: declarations(),
    "Each fault violates what it declares, and nothing else": as_declared,
    "Each eccentric is charged with what it declares, and nothing else": legal,
    "Each row that can be graded has a fault": covered,
    "Each scenario finds a fault": killing,
}
