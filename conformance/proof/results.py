"""What the proof measured: every defect and quirk, with the requirements that it violates.

`matrix.json` keeps it, a line for each server: the expected verdicts, reviewed as a diff.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from proof.server_result import ServerResult
from tus_conformance.evaluation.requirement_results import CORE_REQUIREMENT
from tus_defects import defects, quirks
from tus_reports import Verdict
from tus_scenarios import scenarios

VIOLATION_VERDICTS = frozenset({"fail", "warn"})
MATRIX = Path(__file__).with_name("matrix.json")
_SCENARIO_IDS = tuple(each.id for each in scenarios())


class DefectResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a defect causes: violated requirements, other changed verdicts, failed scenarios.

    `shown` are as few scenarios as show every violation that a single scenario can show.
    """

    id: str
    breaks: str
    on: str = ""
    violates: dict[str, Verdict] = {}
    hides: dict[str, Verdict] = {}
    fails: tuple[str, ...] = ()
    shown: tuple[str, ...] = ()


class QuirkResult(msgspec.Struct, frozen=True, kw_only=True):
    """The requirements that a quirk violates, or leaves without a verdict."""

    id: str
    violates: dict[str, Verdict] = {}
    undetermined: dict[str, Verdict] = {}


class ProofResult(msgspec.Struct, frozen=True, kw_only=True):
    """All that was measured; `unproven` are the checks that had one outcome only."""

    defects: tuple[DefectResult, ...]
    quirks: tuple[QuirkResult, ...]
    unproven: tuple[str, ...] = ()


def defect_result(
    identifier: str, breaks: str, on: str, baseline: ServerResult, server_result: ServerResult
) -> DefectResult:
    """Return what a defect changes about its server, leaving out the sum of the core."""
    changed = {
        requirement: each
        for requirement, each in server_result.requirements.items()
        if requirement != CORE_REQUIREMENT and baseline.requirements.get(requirement) != each
    }
    violates = {
        requirement: each for requirement, each in changed.items() if each in VIOLATION_VERDICTS
    }
    return DefectResult(
        id=identifier,
        breaks=breaks,
        on=on,
        violates=violates,
        hides={
            requirement: each
            for requirement, each in changed.items()
            if each not in VIOLATION_VERDICTS
        },
        fails=tuple(
            name
            for name, each in server_result.scenarios.items()
            if each in VIOLATION_VERDICTS and baseline.scenarios.get(name) != each
        ),
        shown=tuple(_smallest_evidence(violates, server_result.violations_by_scenario)),
    )


def _smallest_evidence(
    violates: dict[str, Verdict], violations_by_scenario: dict[str, dict[str, Verdict]]
) -> Iterator[str]:
    """Yield scenarios until every violation is shown, those that show most first."""
    uncovered = {
        (requirement, grade)
        for requirement, grade in violates.items()
        if any(
            each.get(requirement) == grade
            for name, each in violations_by_scenario.items()
            if name in _SCENARIO_IDS
        )
    }
    while uncovered:
        scenario_id = max(
            _SCENARIO_IDS,
            key=lambda name: len(uncovered & violations_by_scenario.get(name, {}).items()),
        )
        uncovered -= violations_by_scenario[scenario_id].items()
        yield scenario_id


def quirk_result(identifier: str, server_result: ServerResult) -> QuirkResult:
    """Return what a quirk violates, leaving out the sum of the core."""
    undetermined = {"error", "inconclusive"}
    return QuirkResult(
        id=identifier,
        violates={
            requirement: v
            for requirement, v in server_result.violations().items()
            if requirement != CORE_REQUIREMENT
        },
        undetermined={
            requirement: v
            for requirement, v in server_result.requirements.items()
            if v in undetermined
        },
    )


def write_matrix(result: ProofResult, path: Path = MATRIX) -> None:
    """Write the result, a line for each server, so that changes can be reviewed."""
    path.write_text(format_matrix(result), "utf-8")


def format_matrix(result: ProofResult) -> str:
    """Return the result as `matrix.json` keeps it."""

    def lines(items: Iterable[object]) -> str:
        found = [json.dumps(msgspec.to_builtins(item), ensure_ascii=False) for item in items]
        return ",\n".join(f"  {line}" for line in found)

    return (
        f'{{"defects": [\n{lines(result.defects)}\n ],\n'
        f' "quirks": [\n{lines(result.quirks)}\n ],\n'
        f' "unproven": [\n{lines(result.unproven)}\n ]\n}}\n'
    )


def merge_results(measured: ProofResult, matrix: ProofResult) -> ProofResult:
    """Return the kept result with what was measured of some servers, in the gallery's order.

    Servers that the gallery no longer has are left out. `unproven` stays as it is: only all of the
    servers together tell.
    """
    found_defects = {each.id: each for each in (*matrix.defects, *measured.defects)}
    found_quirks = {each.id: each for each in (*matrix.quirks, *measured.quirks)}
    return ProofResult(
        defects=tuple(found_defects[each] for each in defects() if each in found_defects),
        quirks=tuple(found_quirks[each] for each in ("", *quirks()) if each in found_quirks),
        unproven=matrix.unproven,
    )


def read_matrix(path: Path = MATRIX) -> ProofResult:
    """Return the result that is kept."""
    return msgspec.json.decode(path.read_bytes(), type=ProofResult)
