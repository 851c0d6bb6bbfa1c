"""The plan of a run: a target, the scenarios, and what the user chose."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field

from tus_conformance.dialogue.session import Server
from tus_conformance.judging.baseline import Baseline
from tus_conformance.running.selection import Selection
from tus_conformance.target.target import Target
from tus_scenarios import Scenario


@dataclass(frozen=True)
class Plan:
    """What to run: a target, the scenarios, the user's options.

    What `baseline` knows to fail does not count. `reproduce` is the beginning of the command that
    repeats a scenario; `arguments` are recorded.
    """

    target: Target
    scenarios: Sequence[Scenario]
    selection: Selection = field(default_factory=Selection)
    seed: int = 0
    jobs: int = 1
    strict: bool = False
    fail_fast: bool = False
    arguments: tuple[str, ...] = ()
    reproduce: tuple[str, ...] = ()
    server: Server | None = None
    baseline: Baseline = field(default_factory=Baseline)

    def command(self, scenario: str) -> str:
        """Return the command that repeats one scenario; secrets are left for the user to fill."""
        hidden = self.target.redaction.text
        words = [hidden(word) for word in self.reproduce]
        return shlex.join([*words, "--seed", str(self.seed), "--only", scenario])
