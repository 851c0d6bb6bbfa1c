"""How a server came out: verdicts of requirements and scenarios, outcomes of checks."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from tus_reports import ScenarioResult, Verdict
from tus_scenarios import Grade

CheckKey = tuple[str, str]
"""A check: its scenario, and where in it that is."""

PossibleGrades = dict[CheckKey, frozenset[Grade]]
"""What each check of a story can come out as; scenarios that are data say it themselves."""


@dataclass(frozen=True)
class ServerResult:
    """The verdicts on one server; a check has an outcome for each attempt.

    `violations_by_scenario` are the requirements found violated, by the scenario that showed it.
    """

    requirements: dict[str, Verdict]
    scenarios: dict[str, Verdict]
    checks: dict[CheckKey, frozenset[str]]
    violations_by_scenario: dict[str, dict[str, Verdict]] = field(default_factory=dict)
    possible_grades: PossibleGrades = field(default_factory=dict)

    def violations(self) -> dict[str, Verdict]:
        """Return the requirements that are broken, each with its grade."""
        return {row: each for row, each in self.requirements.items() if each in {"fail", "warn"}}


_BYTE_COUNT = re.compile(
    r"(?<=\bof )[0-9]+|(?<=\bbytes )[0-9]+|(?<= to )[0-9]+"
    r"|(?<=\bat least )[0-9]+|(?<=\bat most )[0-9]+"
)


def function_check_key(requirement: str, expected: str) -> str:
    """Name a check of a function scenario; how many bytes it speaks of may be of this run alone."""
    return f"{requirement}: {_BYTE_COUNT.sub('N', expected)}"


def check_outcomes(results: Iterable[ScenarioResult]) -> dict[CheckKey, frozenset[str]]:
    """Return the outcomes of every check: its grades, or "not reached"."""
    outcomes_by_key: dict[CheckKey, set[str]] = {}
    for scenario in results:
        for attempt in scenario.attempts:
            count: Counter[int | None] = Counter()
            for check in attempt.checks:
                if check.step is None:
                    key = function_check_key(check.requirement, check.expected)
                else:
                    key = f"{check.step}.{count[check.step]}"
                    count[check.step] += 1
                outcome = check.grade or "not reached"
                outcomes_by_key.setdefault((scenario.id, key), set()).add(outcome)
    return {key: frozenset(outcomes) for key, outcomes in outcomes_by_key.items()}
