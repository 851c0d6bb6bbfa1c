"""Vacuity: a check that was never seen to hold, or never to be violated, proves nothing."""

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
    for check in (*gradable_checks(), *_function_checks(possible_grades)):
        found_ = outcomes.get(check.key, set())
        name = " ".join(check.key)
        if check.prose:
            name += f" {check.requirement}"
        if check.gradable and not found_ & GOOD:
            yield f"{name}: never held"
        elif check.gradable and not found_ & VIOLATION_GRADES:
            yield f"{name}: never violated"
        elif not check.gradable and len(found_) < 2:
            yield f"{name}: always {', '.join(sorted(found_)) or 'nothing'}"


def _function_checks(possible_grades: PossibleGrades) -> Iterator[GradableCheck]:
    for key in sorted(possible_grades):
        yield GradableCheck(key, key[1].partition(":")[0], possible_grades[key], "")
