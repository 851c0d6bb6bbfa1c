"""The gates: what must hold of the result of the proof, each with a sentence for what does not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from proof.gate_exceptions import check_exceptions, exceptions
from proof.gradable_checks import (
    PROBE_ONLY,
    gradable_requirements,
    gradable_scenarios,
    noted_requirements,
)
from proof.results import DefectResult, ProofResult, QuirkResult
from tus_scenarios import ledger


def check_ledger(result: ProofResult) -> Iterator[str]:
    """Name every requirement that a server violates or is about and the ledger lacks."""
    for each in result.defects:
        for requirement in (each.breaks, *each.violates):
            if requirement not in ledger():
                yield f"{each.id} violates {requirement}, which the ledger does not have."


def check_defects_found(result: ProofResult) -> Iterator[str]:
    """Name every defect that the requirement it breaks does not show, unless it is excepted."""
    breaks = {each.id: each.breaks for each in result.defects}
    missed = [each.id for each in result.defects if each.breaks not in each.violates]
    excepted = {name: why for name, why in exceptions().defects.items() if name in breaks}
    return check_exceptions(missed, excepted, "does not violate the requirement that it breaks")


def check_quirks(result: ProofResult) -> Iterator[str]:
    """Name every quirk that fails a requirement, or leaves one without a verdict."""
    for each in result.quirks:
        name = each.id or "the reference"
        failed = {row: grade for row, grade in each.violates.items() if grade == "fail"}
        charged = failed if each.id else each.violates
        if charged:
            yield f"{name} conforms, and is charged with {_describe(charged)}."
        if each.undetermined:
            yield f"{name} leaves open {_describe(each.undetermined)}."


def compare_with_matrix(measured: ProofResult, matrix: ProofResult) -> Iterator[str]:
    """Name every server whose measured verdicts are not those of `matrix.json`."""
    kept: dict[str, DefectResult | QuirkResult] = {each.id: each for each in matrix.defects}
    kept |= {each.id: each for each in matrix.quirks}
    servers: list[DefectResult | QuirkResult] = [*measured.defects, *measured.quirks]
    for each in servers:
        known, name = kept.get(each.id), each.id or "the reference"
        if known is None:
            yield f"{name} is not in matrix.json."
        elif known != each:
            more = _describe(dict(each.violates.items() - known.violates.items()))
            less = _describe(dict(known.violates.items() - each.violates.items()))
            yield f"{name} is not what matrix.json says: it violates {more}, and not {less}."


def _describe(violations: Mapping[str, str]) -> str:
    named = [f"{requirement} ({grade})" for requirement, grade in sorted(violations.items())]
    return ", ".join(named) or "nothing else"


def check_requirements_covered(result: ProofResult) -> Iterator[str]:
    """Name every gradable requirement that no defect is about."""
    broken = {each.breaks for each in result.defects if each.breaks in each.violates}
    without = (requirement for requirement in gradable_requirements() if requirement not in broken)
    return check_exceptions(without, exceptions().rows, "has no defect")


def check_scenarios_kill(result: ProofResult) -> Iterator[str]:
    """Name every gradable scenario that finds no defect."""
    failed = {name for each in result.defects for name in each.fails}
    without = (name for name in gradable_scenarios() if name not in failed)
    return check_exceptions(without, exceptions().scenarios, "finds no defect")


def check_checks_proven(result: ProofResult) -> Iterator[str]:
    """Name every check that had one outcome only."""
    return check_exceptions(result.unproven, exceptions().checks, "so that it shows nothing")


def check_only_noted(result: ProofResult) -> Iterator[str]:
    """Name every requirement that was graded, and is supposed to be noted only.

    A server that fails altogether fails any of these requirements, but not those of PROBE_ONLY.
    """
    for each in result.defects:
        for requirement in noted_requirements():
            grade = each.violates.get(requirement)
            if grade == "warn" or (grade and requirement in PROBE_ONLY):
                yield f"{each.id} violates {requirement}, which is supposed to be noted only."


Gate = Callable[[ProofResult], Iterable[str]]

PER_SERVER_GATES: dict[str, Gate] = {
    "Each violated requirement is in the ledger": check_ledger,
    "Each defect violates the requirement that it breaks": check_defects_found,
    "No quirk fails a requirement": check_quirks,
}
"""What holds of every server by itself, whichever others are evaluated."""

GATES: dict[str, Gate] = {
    **PER_SERVER_GATES,
    "Each gradable requirement has a defect": check_requirements_covered,
    "Each gradable scenario finds a defect": check_scenarios_kill,
    "Each check held and was violated, and each probe had two outcomes": check_checks_proven,
    "Requirements that are noted only are never graded": check_only_noted,
}
