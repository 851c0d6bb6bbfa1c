"""What can be graded: the rows, scenarios and checks that could come out as fail or warn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from proof.server_result import CheckKey
from tus_scenarios import Condition, Expectation, Grade, ledger, scenarios

VIOLATION_GRADES = frozenset({"fail", "warn"})


@dataclass(frozen=True)
class GradableCheck:
    """One check of a scenario: its requirement, and the grades it can come out with.

    `repeats` is the first check of the scenario that asks the same of the same kind of step.
    """

    key: CheckKey
    requirement: str
    grades: frozenset[Grade]
    prose: str
    repeats: CheckKey

    @property
    def gradable(self) -> bool:
        """Whether it can be violated; otherwise it is a probe."""
        return bool(self.grades & VIOLATION_GRADES)


@cache
def gradable_checks() -> tuple[GradableCheck, ...]:
    """Return every check of the scenarios that are data, in order."""
    return tuple(_find_checks())


def _find_checks() -> Iterator[GradableCheck]:
    for scenario in scenarios():
        first: dict[tuple[str, str, str], CheckKey] = {}
        for number, step in enumerate(scenario.steps, 1):
            if step.setup:
                continue
            count = 0
            for expectation in step.expect:
                for requirement in expectation.requirements:
                    key = (scenario.id, f"{number}.{count}")
                    grades = grades_of(expectation, requirement)
                    repeats = first.setdefault((step.act, requirement, repr(expectation)), key)
                    yield GradableCheck(key, requirement, grades, step.act, repeats)
                    count += 1


def grades_of(expectation: Expectation, requirement: str) -> frozenset[Grade]:
    """Return all that a check can come out as."""
    named = {grade for grade, _ in expectation.alternatives}
    when = expectation.when
    conditions = [_is_unconditional(condition) for _, condition in expectation.alternatives]
    if when is not None and _is_unconditional(when) in conditions:
        # What is only judged where that holds cannot come out otherwise.
        return frozenset(named)
    return frozenset({expectation.otherwise or ledger()[requirement].grade, *named})


def _is_unconditional(condition: Condition) -> Condition:
    fields = ("status", "header", "content", "intact", "closed", "interim")
    return Condition(**{name: getattr(condition, name) for name in fields})


PROBE_ONLY = {
    "core.net.timeouts": "That a server waits, or for how long, is its own affair: a note.",
}
"""Rows of stories that are never more than noted, with the reason."""


@cache
def noted_requirements() -> dict[str, str]:
    """Return the rows that scenarios look at and never grade, in order, each with the reason.

    Only a server that fails altogether, with a 5xx or without an answer, is failed for them.
    """
    checked = {requirement for each in scenarios() for requirement in each.requirements}
    graded = set(gradable_requirements())
    return {
        requirement: PROBE_ONLY.get(requirement)
        or f"{each.level}. {each.ambiguity or each.statement}"
        for requirement, each in ledger().items()
        if requirement in checked and requirement not in graded
    }


@cache
def gradable_requirements() -> tuple[str, ...]:
    """Return the server's observable rows that a scenario can find broken, in order."""
    found = {check.requirement for check in gradable_checks() if check.gradable}
    found |= {requirement for each in scenarios() if each.run for requirement in each.requirements}
    return tuple(
        requirement
        for requirement in ledger()
        if requirement in found and requirement not in PROBE_ONLY
    )


@cache
def gradable_scenarios() -> tuple[str, ...]:
    """Return the scenarios that can come out as fail or warn."""
    found = {check.key[0] for check in gradable_checks() if check.gradable}
    return tuple(each.id for each in scenarios() if each.id in found or each.run)
