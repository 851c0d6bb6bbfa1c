"""The gates: what must hold of the findings, each with a sentence for what does not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from proof.gate_exceptions import check_exceptions, exceptions
from proof.gradable_checks import (
    PROBE_ONLY,
    gradable_requirements,
    gradable_scenarios,
    noted_requirements,
)
from proof.results import ProofResult
from tus_reference.defects import defects
from tus_reference.quirks import quirks
from tus_scenarios import ledger


def check_declarations() -> Iterator[str]:
    """Say which declared requirement the ledger does not have."""
    for defect in defects().values():
        for requirement in defect.violates:
            if requirement not in ledger():
                yield f"{defect.id} declares {requirement}, which the ledger does not have."


def check_as_declared(findings: ProofResult) -> Iterator[str]:
    """Say which fault does not violate just what it declares."""
    for found in findings.faults:
        declared = defects()[found.id].violates
        if found.violates == declared:
            continue
        missing = {
            requirement: g
            for requirement, g in declared.items()
            if found.violates.get(requirement) != g
        }
        undeclared = {
            requirement: g
            for requirement, g in found.violates.items()
            if declared.get(requirement) != g
        }
        surplus, lacking = _describe_violations(undeclared), _describe_violations(missing)
        yield f"{found.id} violates {surplus} undeclared, and not {lacking}."


def _describe_violations(rows: Mapping[str, str]) -> str:
    return ", ".join(f"{requirement} ({grade})" for requirement, grade in rows.items()) or "nothing"


def check_quirks(findings: ProofResult) -> Iterator[str]:
    """Say which eccentric is charged with more, or less, than it declares, or not judged."""
    for found in findings.eccentrics:
        declared = dict.fromkeys(quirks()[found.id].warns, "warn") if found.id else {}
        if found.violates != declared:
            charges = _describe_violations(found.violates)
            yield f"{found.id or 'the reference'} is charged with {charges}."
        if found.undetermined:
            open_rows = _describe_violations(found.undetermined)
            yield f"{found.id or 'the reference'} leaves open {open_rows}."


def check_requirements_covered(findings: ProofResult) -> Iterator[str]:
    """Say which row that can be graded has no fault that breaks it first of all."""
    broken = {found.breaks for found in findings.faults if found.breaks in found.violates}
    without = (requirement for requirement in gradable_requirements() if requirement not in broken)
    return check_exceptions(without, exceptions().rows, "has no fault")


def check_scenarios_kill(findings: ProofResult) -> Iterator[str]:
    """Say which scenario finds no fault."""
    failed = {name for found in findings.faults for name in found.fails}
    without = (name for name in gradable_scenarios() if name not in failed)
    return check_exceptions(without, exceptions().scenarios, "finds no fault")


def check_checks_proven(findings: ProofResult) -> Iterator[str]:
    """Say which check was seen one way only."""
    return check_exceptions(findings.unproven, exceptions().checks, "so that it shows nothing")


def check_only_noted(findings: ProofResult) -> Iterator[str]:
    """Say which row that is taken for one that is never graded was graded.

    A server that fails altogether is failed in any of these rows, but not in those of PROBED.
    """
    for found in findings.faults:
        for requirement in noted_requirements():
            grade = found.violates.get(requirement)
            if grade == "warn" or (grade and requirement in PROBE_ONLY):
                yield f"{found.id} violates {requirement}, which is taken for one that cannot be."


Gate = Callable[[ProofResult], Iterable[str]]

PER_SERVER_GATES: dict[str, Gate] = {
    "Each fault violates what it declares, and nothing else": check_as_declared,
    "Each eccentric is charged with what it declares, and nothing else": check_quirks,
}
"""What holds of every server by itself, whichever others are judged."""

GATES: dict[str, Gate] = {
    "What is declared is in the ledger": lambda _: check_declarations(),
    **PER_SERVER_GATES,
    "Each row that can be graded has a fault": check_requirements_covered,
    "Each scenario finds a fault": check_scenarios_kill,
    "Each check held and was violated, and each probe had two outcomes": check_checks_proven,
    "What is never graded never was": check_only_noted,
}
