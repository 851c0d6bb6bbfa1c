"""Coverage: which scenarios exercise each row of the ledger, and which rows none does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from tus_conformance.evaluation.invariant import Invariant
from tus_conformance.evaluation.requirement_results import CORE_REQUIREMENT
from tus_scenarios import Requirement, Scenario

CoverageState = Literal["exercised", "missing", "aggregate", "unobservable"]


@dataclass(frozen=True)
class CoveredRequirement:
    """A row of the ledger and the ids of the scenarios and invariants that check it."""

    requirement: Requirement
    scenarios: tuple[str, ...]

    @property
    def state(self) -> CoverageState:
        """Return the state of the requirement: only `missing` is a gap."""
        if self.requirement.observable == "no":
            return "unobservable"
        if self.requirement.id == CORE_REQUIREMENT:
            return "aggregate"
        return "exercised" if self.scenarios else "missing"

    @property
    def families(self) -> tuple[str, ...]:
        """Return the scenarios with those of one family as one, and how many they are."""
        counts = Counter(name.partition("/")[0] for name in self.scenarios)
        return tuple(name if n == 1 else f"{name} ({n})" for name, n in counts.items())


@dataclass(frozen=True)
class Coverage:
    """Every row of the sides that were asked for.

    `unknown_requirements` are checks of rows that the ledger lacks: the row, and what checks it.
    """

    requirements: tuple[CoveredRequirement, ...]
    unknown_requirements: tuple[tuple[str, str], ...] = ()

    @property
    def observable(self) -> tuple[CoveredRequirement, ...]:
        """Return the rows that can be observed, in full or in part."""
        return tuple(each for each in self.requirements if each.state != "unobservable")

    @property
    def missing(self) -> tuple[CoveredRequirement, ...]:
        """Return the observable rows that nothing exercises."""
        return tuple(each for each in self.requirements if each.state == "missing")

    @property
    def complete(self) -> bool:
        """Return whether every observable row is exercised, and every check names a row."""
        return not self.missing and not self.unknown_requirements


def compute_coverage(
    rows: Mapping[str, Requirement],
    scenarios: Iterable[Scenario],
    invariants: Iterable[Invariant],
    client_checks: Iterable[tuple[str, str]] = (),
) -> Coverage:
    """Return what checks each row: scenarios and invariants, or `client_checks`.

    These are pairs of a row of the clients and what checks it; without any, only the servers' rows
    are in the result.
    """
    client_pairs = list(client_checks)
    sides = {"server", "client"} if client_pairs else {"server"}
    checks = client_pairs + [(row, each.id) for each in scenarios for row in each.requirements]
    checks += [(each.requirement, each.id) for each in invariants]
    return Coverage(
        requirements=tuple(
            CoveredRequirement(row, _checkers_of(row.id, checks))
            for row in rows.values()
            if row.side in sides
        ),
        unknown_requirements=tuple((row, name) for row, name in checks if row not in rows),
    )


def _checkers_of(row: str, checks: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    return tuple(name for checked, name in checks if checked == row)
