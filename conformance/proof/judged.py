"""How a server came out: verdicts of requirements and scenarios, outcomes of checks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from tus_reports import Scenario as Told
from tus_reports import Verdict

Place = tuple[str, str]
"""A check: its scenario, and where in it that is."""


@dataclass(frozen=True)
class Judged:
    """The verdicts on one server; a check has an outcome for each attempt."""

    requirements: dict[str, Verdict]
    scenarios: dict[str, Verdict]
    checks: dict[Place, frozenset[str]]

    def violated(self) -> dict[str, Verdict]:
        """Return the requirements that are broken, each with its grade."""
        return {row: each for row, each in self.requirements.items() if each in {"fail", "warn"}}


def check_outcomes(told: Iterable[Told]) -> dict[Place, frozenset[str]]:
    """Return the outcomes of every check: its grades, or "not reached"."""
    found: dict[Place, set[str]] = {}
    for scenario in told:
        for attempt in scenario.attempts:
            count: Counter[int | None] = Counter()
            for check in attempt.checks:
                if check.step is None:
                    place = f"{check.requirement}: {check.expected}"
                else:
                    place = f"{check.step}.{count[check.step]}"
                    count[check.step] += 1
                outcome = check.grade or "not reached"
                found.setdefault((scenario.id, place), set()).add(outcome)
    return {place: frozenset(outcomes) for place, outcomes in found.items()}
