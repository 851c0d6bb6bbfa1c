"""What the proof found: every fault and eccentric, with what they violated."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from proof.judged import Judged
from tus_conformance.running.rows import AGGREGATE
from tus_reports import Verdict
from tus_scenarios import scenarios

BAD = frozenset({"fail", "warn"})
MATRIX = Path(__file__).with_name("matrix.json")
_TOLD = tuple(each.id for each in scenarios())


class FaultFound(msgspec.Struct, frozen=True, kw_only=True):
    """What a fault did: rows violated, other rows that came out otherwise, scenarios failed.

    `shown` are as few scenarios as show all of the rows violated that a scenario alone can show.
    """

    id: str
    breaks: str
    on: str = ""
    violates: dict[str, Verdict] = {}
    hides: dict[str, Verdict] = {}
    fails: tuple[str, ...] = ()
    shown: tuple[str, ...] = ()


class EccentricFound(msgspec.Struct, frozen=True, kw_only=True):
    """What an eccentric was charged with."""

    id: str
    violates: dict[str, Verdict] = {}
    undetermined: dict[str, Verdict] = {}


class Findings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that was found; of checks, those that were seen one way only."""

    faults: tuple[FaultFound, ...]
    eccentrics: tuple[EccentricFound, ...]
    unproven: tuple[str, ...] = ()


def fault_found(identifier: str, breaks: str, on: str, plain: Judged, judged: Judged) -> FaultFound:
    """Return what a fault did to its server; the row that sums up the core is left out."""
    changed = {
        row: each
        for row, each in judged.requirements.items()
        if row != AGGREGATE and plain.requirements.get(row) != each
    }
    violates = {row: each for row, each in changed.items() if each in BAD}
    return FaultFound(
        id=identifier,
        breaks=breaks,
        on=on,
        violates=violates,
        hides={row: each for row, each in changed.items() if each not in BAD},
        fails=tuple(
            name
            for name, each in judged.scenarios.items()
            if each in BAD and plain.scenarios.get(name) != each
        ),
        shown=tuple(_fewest(violates, judged.charged)),
    )


def _fewest(violates: dict[str, Verdict], charged: dict[str, dict[str, Verdict]]) -> Iterator[str]:
    """Yield scenarios until every row is shown with its grade, those that show most first."""
    left = {
        (row, grade)
        for row, grade in violates.items()
        if any(each.get(row) == grade for name, each in charged.items() if name in _TOLD)
    }
    while left:
        best = max(_TOLD, key=lambda name: len(left & charged.get(name, {}).items()))
        left -= charged[best].items()
        yield best


def eccentric_found(identifier: str, judged: Judged) -> EccentricFound:
    """Return what an eccentric was charged with."""
    undetermined = {"error", "inconclusive"}
    return EccentricFound(
        id=identifier,
        violates={row: v for row, v in judged.violated().items() if row != AGGREGATE},
        undetermined={row: v for row, v in judged.requirements.items() if v in undetermined},
    )


def write(findings: Findings, path: Path = MATRIX) -> None:
    """Write the findings, a line for each fault, so that changes can be read."""
    path.write_text(text_of(findings), "utf-8")


def text_of(findings: Findings) -> str:
    """Return the findings as they are kept."""

    def lines(items: Iterable[object]) -> str:
        found = [json.dumps(msgspec.to_builtins(item), ensure_ascii=False) for item in items]
        return ",\n".join(f"  {line}" for line in found)

    return (
        f'{{"faults": [\n{lines(findings.faults)}\n ],\n'
        f' "eccentrics": [\n{lines(findings.eccentrics)}\n ],\n'
        f' "unproven": [\n{lines(findings.unproven)}\n ]\n}}\n'
    )


def read(path: Path = MATRIX) -> Findings:
    """Return the findings that are kept."""
    return msgspec.json.decode(path.read_bytes(), type=Findings)
