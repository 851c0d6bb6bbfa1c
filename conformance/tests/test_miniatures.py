"""Faulty servers come out as what they are, and the right one with nothing above a note."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec
import pytest
from miniatures import GALLERY, USUAL, Miniature, judged, nothing_wrong

from tus_conformance.running.rows import AGGREGATE
from tus_reports import Footer, Line, Requirement, Scenario, Verdict

RIGHT = Miniature("nothing-wrong", nothing_wrong, set(), set(), set(), ("*",))
RACING = (
    *("core.patch.concurrent", "core.patch.store-partial", "core.net.", "concatenation."),
    "termination.",
)
"""Scenarios of which exchanges may differ: two requests at once, or one that breaks off."""


def rows(lines: Sequence[Line], *verdicts: Verdict) -> set[str]:
    """Return the requirements that came out so, but for the one that sums up the others."""
    return {
        line.id
        for line in lines
        if isinstance(line, Requirement) and line.verdict in verdicts and line.id != AGGREGATE
    }


@pytest.mark.parametrize("miniature", GALLERY, ids=[each.name for each in GALLERY])
def test_a_fault_fails_what_it_breaks_and_nothing_else(miniature: Miniature) -> None:
    lines = judged(miniature.serve, *USUAL, *miniature.over)
    assert rows(lines, "fail") == miniature.fails
    assert rows(lines, "warn") == miniature.warns
    assert rows(lines, "error", "inconclusive", "blocked") == miniature.blocked
    assert miniature.fails | miniature.warns
    assert isinstance(lines[-1], Footer)
    assert lines[-1].exit_code == (1 if miniature.fails else 0)


@pytest.mark.parametrize("miniature", GALLERY, ids=[each.name for each in GALLERY])
def test_what_a_fault_is_shown_to_holds_where_nothing_is_wrong(miniature: Miniature) -> None:
    assert miniature.over
    lines = [line for line in _sequential() if isinstance(line, Requirement)]
    broken = miniature.fails | miniature.warns
    assert {
        line.id for line in lines if line.id in broken and line.verdict in {"pass", "note"}
    } == broken


_KEPT: list[Line] = []


def _sequential() -> list[Line]:
    """Return the record of one run against the right server, one scenario after the other."""
    if not _KEPT:
        _KEPT.extend(judged(RIGHT.serve))
    return _KEPT


def test_nothing_is_above_a_note_where_nothing_is_wrong() -> None:
    lines = _sequential()
    above = [
        (line.id, line.verdict, line.reason)
        for line in lines
        if isinstance(line, Requirement | Scenario)
        and line.verdict in {"fail", "warn", "error", "inconclusive", "blocked"}
    ]
    assert above == []
    assert isinstance(lines[-1], Footer)
    assert lines[-1].exit_code == 0
    assert lines[-1].left_behind == ()


def steady(line: Line) -> object:
    """Return what a line says, without times and without the ids that a server made up."""
    text = msgspec.json.encode(line).decode()
    text = re.sub(r"[0-9a-f]{32}", "ID", text)
    text = re.sub(r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT", "DATE", text)
    text = re.sub(r'"(at|started|seconds)":[-0-9.e]+', r'"\1":0', text)
    return re.sub(r'"events":\[.*?\](?=[,}])', '"events":[]', text)


def test_a_run_of_many_jobs_says_what_a_run_of_one_does() -> None:
    some = ("core.head.*", "core.patch.[c-o]*", "creation.*", "termination.*")
    one, many = judged(RIGHT.serve, *some), judged(RIGHT.serve, *some, jobs=8)
    assert sum(bool(line.attempts) for line in one if isinstance(line, Scenario)) > 100
    assert [_named(line) for line in one] == [_named(line) for line in many]
    for line, other in zip(one, many, strict=True):
        told = isinstance(line, Scenario) and not line.id.startswith(("always.", *RACING))
        if told or isinstance(line, Requirement):
            assert steady(line) == steady(other)


def _named(line: Line) -> tuple[str, str]:
    if isinstance(line, Requirement | Scenario):
        return line.id, line.verdict
    return type(line).__name__, ""
