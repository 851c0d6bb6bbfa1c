"""How a server came out: verdicts of requirements and scenarios, outcomes of checks."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from tus_reports import Scenario as Told
from tus_reports import Verdict
from tus_scenarios import Grade

Place = tuple[str, str]
"""A check: its scenario, and where in it that is."""

Promised = dict[Place, frozenset[Grade]]
"""What each check of a story can come out as; scenarios that are data say it themselves."""


@dataclass(frozen=True)
class Judged:
    """The verdicts on one server; a check has an outcome for each attempt.

    `charged` are the requirements that came out as broken, by the scenario that showed it.
    """

    requirements: dict[str, Verdict]
    scenarios: dict[str, Verdict]
    checks: dict[Place, frozenset[str]]
    charged: dict[str, dict[str, Verdict]] = field(default_factory=dict)
    promised: Promised = field(default_factory=dict)

    def violated(self) -> dict[str, Verdict]:
        """Return the requirements that are broken, each with its grade."""
        return {row: each for row, each in self.requirements.items() if each in {"fail", "warn"}}


_AMOUNT = re.compile(r"(?<=\bof )[0-9]+|(?<=\bbytes )[0-9]+|(?<= to )[0-9]+")


def told_place(requirement: str, expected: str) -> str:
    """Name a check of a story; how many bytes it speaks of may be of this run alone."""
    return f"{requirement}: {_AMOUNT.sub('N', expected)}"


def check_outcomes(told: Iterable[Told]) -> dict[Place, frozenset[str]]:
    """Return the outcomes of every check: its grades, or "not reached"."""
    found: dict[Place, set[str]] = {}
    for scenario in told:
        for attempt in scenario.attempts:
            count: Counter[int | None] = Counter()
            for check in attempt.checks:
                if check.step is None:
                    place = told_place(check.requirement, check.expected)
                else:
                    place = f"{check.step}.{count[check.step]}"
                    count[check.step] += 1
                outcome = check.grade or "not reached"
                found.setdefault((scenario.id, place), set()).add(outcome)
    return {place: frozenset(outcomes) for place, outcomes in found.items()}
