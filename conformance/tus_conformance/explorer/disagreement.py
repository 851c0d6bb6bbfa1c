"""A disagreement: the shortest sequence that a server gets wrong, as a scenario file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from zlib import crc32

import msgspec

from tus_conformance.explorer.move import Move
from tus_conformance.explorer.sequence import MOVE_KINDS, required_capabilities, unfold_moves
from tus_reports import Attempt, Check
from tus_scenarios import Scenario, Step, ledger
from tus_scenarios.scenario import ScenarioFile, ScenarioSource, unfold
from tus_scenarios.writer import format_scenarios


@dataclass(frozen=True)
class Disagreement:
    """A sequence, the attempt that showed what is wrong, and the check that failed."""

    moves: tuple[Move, ...]
    attempt: Attempt
    check: Check
    seed: int

    @property
    def steps(self) -> tuple[Step, ...]:
        """Return the steps of the sequence up to the one that failed."""
        steps = unfold_moves(self.moves)
        return steps[: self.check.step] if self.check.step else steps

    @property
    def server_exited(self) -> bool:
        """Return whether what was found is that the server ended."""
        return self.check.rule == "server-exit"

    @property
    def blamed_kind(self) -> str:
        """Return the kind of its last move that is no plain one; of plain moves alone, none."""
        kinds = [move.kind for move in self.moves if not MOVE_KINDS[move.kind].plain]
        return kinds[-1] if kinds else ""

    @property
    def summary(self) -> str:
        """Return what was expected, and what arrived instead."""
        return f"{self.check.requirement}: expected {self.check.expected}; got {self.check.actual}"


def scenario_source(
    steps: Sequence[Step], moves: Sequence[Move], row: str, why: str
) -> ScenarioSource:
    """Return the steps of a sequence as a scenario about a requirement."""
    kinds_text = " then ".join(dict.fromkeys(move.kind for move in moves))
    content_hash = crc32(
        msgspec.json.encode(steps)
    )  # so that several findings can be replayed at once
    return ScenarioSource(
        id=f"explored.{row}.{content_hash:08x}",
        title=f"A sequence that ends with {row}: {kinds_text}",
        why=why,
        needs=required_capabilities(moves),
        step=tuple(steps),
    )


def scenario_from_moves(moves: Sequence[Move]) -> Scenario:
    """Return a sequence as a scenario that the engine can run."""
    source = scenario_source(unfold_moves(moves), moves, "story", "A generated sequence.")
    return unfold(source, ScenarioFile(section="Core", extension="core", scenario=(source,)))[0]


def format_disagreement(disagreement: Disagreement) -> str:
    """Return a finding as a scenario file, which `tus-conformance run --scenarios` replays."""
    row = ledger()[disagreement.check.requirement]
    why = f"Found by the explorer with seed {disagreement.seed}: {disagreement.summary}."
    source = scenario_source(disagreement.steps, disagreement.moves, row.id, why)
    file = ScenarioFile(section=row.section, extension=row.extension, scenario=(source,))
    remarks = (
        "The shortest sequence that the explorer found for a disagreement. To replay it:",
        "tus-conformance run --target URL --scenarios THIS-FILE",
        "",
    )
    return format_scenarios(file, remarks)
