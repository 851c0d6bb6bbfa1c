"""The plan of a run: a target, the scenarios, and what the user chose."""

from __future__ import annotations

import math
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field

from tus_conformance.runner.baseline import Baseline
from tus_conformance.runner.selection import Selection
from tus_conformance.state.kept_uploads import KeptUploads
from tus_conformance.state.session import RestartableServer
from tus_conformance.targets.target import Target
from tus_scenarios import Scenario

SECONDS_OF_SECOND_READ = 15.0
"""How long the second read of uploads may take where the request rate is limited."""


@dataclass(frozen=True)
class RunPlan:
    """What to run: a target, the scenarios, the user's options.

    What `baseline` knows to fail does not count. `command_prefix` begins the command that repeats a
    scenario; `arguments` are recorded. `time_limit` is in seconds. `large_bodies` lets
    discovery look for a limit on request bodies, for which it sends 16 MiB; `examines_proxy` lets
    it look for what a proxy in front of the server obstructs.
    """

    target: Target
    scenarios: Sequence[Scenario]
    selection: Selection = field(default_factory=Selection)
    seed: int = 0
    jobs: int = 1
    strict: bool = False
    fail_fast: bool = False
    time_limit: float = math.inf
    arguments: tuple[str, ...] = ()
    command_prefix: tuple[str, ...] = ()
    server: RestartableServer | None = None
    baseline: Baseline = field(default_factory=Baseline)
    large_bodies: bool = False
    examines_proxy: bool = False

    def kept_uploads(self) -> KeptUploads:
        """Return an empty sample of the uploads that the run reads a second time."""
        rate = self.target.profile.rate
        limit = None if rate is None else int(rate * SECONDS_OF_SECOND_READ / 2)
        return KeptUploads(everything=self.selection.thorough, limit=limit)

    def reproduce_command(self, scenario: str) -> str:
        """Return the command that repeats one scenario; secrets are left for the user to fill."""
        hidden = self.target.redaction.redact_text
        words = [hidden(word) for word in self.command_prefix]
        return shlex.join([*words, "--seed", str(self.seed), "--only", scenario])
