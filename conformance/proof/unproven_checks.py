"""Vacuity: a check that was never seen to hold, or never to be violated, proves nothing.

A check that a scenario makes again, such as for each way of sending, counts with the first of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from proof.gradable_checks import VIOLATION_GRADES, GradableCheck, gradable_checks
from proof.server_result import CheckKey, PossibleGrades

GOOD = frozenset({"pass", "note"})
CheckOutcomes = tuple[dict[CheckKey, frozenset[str]], PossibleGrades]
"""What came of the checks on one server, and what those of stories could have come out as."""


def find_unproven_checks(seen: Iterable[CheckOutcomes]) -> Iterator[str]:
    """Name every check that was not seen both ways, and every probe with a single outcome."""
    outcomes: dict[CheckKey, set[str]] = {}
    possible_grades: PossibleGrades = {}
    for outcomes_seen, possible in seen:
        for key, found in outcomes_seen.items():
            outcomes.setdefault(key, set()).update(found)
        for key, grades in possible.items():
            possible_grades[key] = possible_grades.get(key, frozenset()) | grades
    checks = (*gradable_checks(), *_function_checks(possible_grades))
    for check in checks:
        outcomes.setdefault(check.repeats, set()).update(outcomes.get(check.key, ()))
    for check in checks:
        missing = _missing_outcome(check, outcomes[check.repeats])
        if missing and check.repeats == check.key:
            name = " ".join((*check.key, check.requirement) if check.prose else check.key)
            yield f"{name}: {missing}"


def _missing_outcome(check: GradableCheck, seen: set[str]) -> str:
    """Return what was never seen of a check, or that a probe had one outcome only."""
    if check.gradable and not seen & GOOD:
        return "never held"
    if check.gradable:
        return "" if seen & VIOLATION_GRADES else "never violated"
    return "" if len(seen) > 1 else f"always {', '.join(sorted(seen)) or 'nothing'}"


def _function_checks(possible_grades: PossibleGrades) -> Iterator[GradableCheck]:
    for key in sorted(possible_grades):
        yield GradableCheck(key, key[1].partition(":")[0], possible_grades[key], "", key)
