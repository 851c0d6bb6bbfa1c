"""A finding: the shortest story that a server gets wrong, as a scenario file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from zlib import crc32

import msgspec

from tus_conformance.explorer.move import Move
from tus_conformance.explorer.story import KINDS, needs, unfolded
from tus_reports import Attempt, Check
from tus_scenarios import Scenario, Step, ledger
from tus_scenarios.scenario import ScenarioFile, ScenarioSource, unfold
from tus_scenarios.writer import written


@dataclass(frozen=True)
class Finding:
    """A story, the attempt that showed what is wrong with it, and the check that says so."""

    moves: tuple[Move, ...]
    attempt: Attempt
    check: Check
    seed: int

    @property
    def steps(self) -> tuple[Step, ...]:
        """Return the steps of the story up to the one that came out wrong."""
        steps = unfolded(self.moves)
        return steps[: self.check.step] if self.check.step else steps

    @property
    def fell(self) -> bool:
        """Tell whether what was found is that the server ended."""
        return self.check.grade == "warn"

    @property
    def remarkable(self) -> str:
        """Return the kind of its last move that is no plain one; of plain moves alone, none."""
        kinds = [move.kind for move in self.moves if not KINDS[move.kind].plain]
        return kinds[-1] if kinds else ""

    @property
    def sentence(self) -> str:
        """Return what was expected, and what came instead."""
        return f"{self.check.requirement}: expected {self.check.expected}; got {self.check.actual}"


def source_of(steps: Sequence[Step], moves: Sequence[Move], row: str, why: str) -> ScenarioSource:
    """Return the steps of a story as a scenario about a row of the ledger."""
    told = " then ".join(dict.fromkeys(move.kind for move in moves))
    own = crc32(msgspec.json.encode(steps))  # so that several findings can be replayed at once
    return ScenarioSource(
        id=f"explored.{row}.{own:08x}",
        title=f"A story that ends with {row}: {told}",
        why=why,
        needs=needs(moves),
        step=tuple(steps),
    )


def scenario_of(moves: Sequence[Move]) -> Scenario:
    """Return a story as the engine tells it."""
    source = source_of(unfolded(moves), moves, "story", "It was made up.")
    return unfold(source, ScenarioFile(section="Core", extension="core", scenario=(source,)))[0]


def file_of(finding: Finding) -> str:
    """Return a finding as a scenario file, which `tus-conformance run --scenarios` replays."""
    row = ledger()[finding.check.requirement]
    why = f"Found by the explorer with seed {finding.seed}: {finding.sentence}."
    source = source_of(finding.steps, finding.moves, row.id, why)
    file = ScenarioFile(section=row.section, extension=row.extension, scenario=(source,))
    remarks = (
        "The shortest story that the explorer found for a disagreement. To replay it:",
        "tus-conformance run --target URL --scenarios THIS-FILE",
        "",
    )
    return written(file, remarks)
