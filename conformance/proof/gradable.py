"""What can be graded: the rows, scenarios and checks that could come out as fail or warn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from proof.judged import Place
from tus_scenarios import Condition, Expectation, Grade, ledger, scenarios

BAD = frozenset({"fail", "warn"})


@dataclass(frozen=True)
class Check:
    """One check of a scenario: its requirement, and the grades it can come out with."""

    place: Place
    requirement: str
    grades: frozenset[Grade]
    prose: str

    @property
    def gradable(self) -> bool:
        """Whether it can be violated; otherwise it is a probe."""
        return bool(self.grades & BAD)


def checks() -> Iterator[Check]:
    """Return every check of the scenarios that are data, in order."""
    for scenario in scenarios():
        for number, step in enumerate(scenario.steps, 1):
            if step.setup:
                continue
            count = 0
            for expectation in step.expect:
                for row in expectation.requirements:
                    place = (scenario.id, f"{number}.{count}")
                    yield Check(place, row, grades(expectation, row), step.act)
                    count += 1


def grades(expectation: Expectation, row: str) -> frozenset[Grade]:
    """Return all that a check can come out as."""
    named = {grade for grade, _ in expectation.alternatives}
    when = expectation.when
    conditions = [_bare(condition) for _, condition in expectation.alternatives]
    if when is not None and _bare(when) in conditions:
        # What is only judged where that holds cannot come out otherwise.
        return frozenset(named)
    return frozenset({expectation.otherwise or ledger()[row].grade, *named})


def _bare(condition: Condition) -> Condition:
    fields = ("status", "header", "content", "intact", "closed", "interim")
    return Condition(**{name: getattr(condition, name) for name in fields})


PROBED = {
    "core.net.timeouts": "That a server waits, or for how long, is its own affair: a note.",
}
"""Rows of stories that are never more than noted, with the reason."""


def noted_rows() -> dict[str, str]:
    """Return the rows that scenarios look at and never grade, in order, each with the reason.

    Only a server that fails altogether, with a 5xx or without an answer, is failed for them.
    """
    looked_at = {row for each in scenarios() for row in each.requirements}
    graded = set(gradable_rows())
    return {
        row: PROBED.get(row) or f"{each.level}. {each.ambiguity or each.statement}"
        for row, each in ledger().items()
        if row in looked_at and row not in graded
    }


def gradable_rows() -> tuple[str, ...]:
    """Return the server's observable rows that a scenario can find broken, in order."""
    found = {check.requirement for check in checks() if check.gradable}
    found |= {row for each in scenarios() if each.tell for row in each.requirements}
    return tuple(row for row in ledger() if row in found and row not in PROBED)


def gradable_scenarios() -> tuple[str, ...]:
    """Return the scenarios that can come out as fail or warn."""
    found = {check.place[0] for check in checks() if check.gradable}
    return tuple(each.id for each in scenarios() if each.id in found or each.tell)
