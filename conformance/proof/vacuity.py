"""Vacuity: a check that was never seen to hold, or never to be violated, proves nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from proof.gradable import BAD, checks
from proof.judged import Place

GOOD = frozenset({"pass", "note"})


def unproven(seen: Iterable[dict[Place, frozenset[str]]]) -> Iterator[str]:
    """Name every check that was not seen both ways, and every probe with a single outcome."""
    outcomes: dict[Place, set[str]] = {}
    for each in seen:
        for place, found in each.items():
            outcomes.setdefault(place, set()).update(found)
    for check in checks():
        came = outcomes.get(check.place, set())
        name = f"{check.place[0]} {check.place[1]} {check.requirement}"
        if check.gradable and not came & GOOD:
            yield f"{name}: never held"
        elif check.gradable and not came & BAD:
            yield f"{name}: never violated"
        elif not check.gradable and len(came) < 2:
            yield f"{name}: always {', '.join(sorted(came)) or 'nothing'}"
