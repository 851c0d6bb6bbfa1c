"""Vacuity: a check that was never seen to hold, or never to be violated, proves nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from proof.gradable import BAD, Check, checks
from proof.judged import Place, Promised

GOOD = frozenset({"pass", "note"})
Seen = tuple[dict[Place, frozenset[str]], Promised]
"""What came of the checks on one server, and what those of stories could have come out as."""


def unproven(seen: Iterable[Seen]) -> Iterator[str]:
    """Name every check that was not seen both ways, and every probe with a single outcome."""
    outcomes: dict[Place, set[str]] = {}
    promised: Promised = {}
    for came, could in seen:
        for place, found in came.items():
            outcomes.setdefault(place, set()).update(found)
        for place, grades in could.items():
            promised[place] = promised.get(place, frozenset()) | grades
    for check in (*checks(), *_told(promised)):
        found_ = outcomes.get(check.place, set())
        name = " ".join(check.place)
        if check.prose:
            name += f" {check.requirement}"
        if check.gradable and not found_ & GOOD:
            yield f"{name}: never held"
        elif check.gradable and not found_ & BAD:
            yield f"{name}: never violated"
        elif not check.gradable and len(found_) < 2:
            yield f"{name}: always {', '.join(sorted(found_)) or 'nothing'}"


def _told(promised: Promised) -> Iterator[Check]:
    for place in sorted(promised):
        yield Check(place, place[1].partition(":")[0], promised[place], "")
