"""Faulty servers come out as what they are, and the right one with nothing above a note."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec
import pytest
from defect_servers import ALWAYS_RUN, DEFECT_SERVERS, DefectServer, answer_correctly, run_in_memory

from tus_conformance.evaluation.requirement_results import CORE_REQUIREMENT
from tus_reports import Footer, RecordLine, RequirementResult, ScenarioResult, Verdict

CORRECT_SERVER = DefectServer("nothing-wrong", answer_correctly, set(), set(), set(), ("*",))
RACING = (
    *("core.patch.concurrent", "core.patch.store-partial", "core.net.", "concatenation."),
    "termination.",
)
"""Scenarios of which exchanges may differ: two requests at once, or one that breaks off."""


def rows(lines: Sequence[RecordLine], *verdicts: Verdict) -> set[str]:
    """Return the requirements that came out so, but for the one that sums up the others."""
    return {
        line.id
        for line in lines
        if isinstance(line, RequirementResult)
        and line.verdict in verdicts
        and line.id != CORE_REQUIREMENT
    }


@pytest.mark.parametrize(
    "defect_server", DEFECT_SERVERS, ids=[each.name for each in DEFECT_SERVERS]
)
def test_a_fault_fails_what_it_breaks_and_nothing_else(defect_server: DefectServer) -> None:
    lines = run_in_memory(defect_server.serve, *ALWAYS_RUN, *defect_server.only)
    assert rows(lines, "fail") == defect_server.fails
    assert rows(lines, "warn") == defect_server.warns
    assert rows(lines, "error", "inconclusive", "blocked") == defect_server.blocked
    assert defect_server.fails | defect_server.warns
    assert isinstance(lines[-1], Footer)
    assert lines[-1].exit_code == (1 if defect_server.fails else 0)


@pytest.mark.parametrize(
    "defect_server", DEFECT_SERVERS, ids=[each.name for each in DEFECT_SERVERS]
)
def test_what_a_fault_is_shown_to_holds_where_nothing_is_wrong(defect_server: DefectServer) -> None:
    assert defect_server.only
    lines = [line for line in _sequential() if isinstance(line, RequirementResult)]
    broken = defect_server.fails | defect_server.warns
    assert {
        line.id for line in lines if line.id in broken and line.verdict in {"pass", "note"}
    } == broken


_SEQUENTIAL_LINES: list[RecordLine] = []


def _sequential() -> list[RecordLine]:
    """Return the record of one run against the right server, one scenario after the other."""
    if not _SEQUENTIAL_LINES:
        _SEQUENTIAL_LINES.extend(run_in_memory(CORRECT_SERVER.serve))
    return _SEQUENTIAL_LINES


def test_nothing_is_above_a_note_where_nothing_is_wrong() -> None:
    lines = _sequential()
    above = [
        (line.id, line.verdict, line.reason)
        for line in lines
        if isinstance(line, RequirementResult | ScenarioResult)
        and line.verdict in {"fail", "warn", "error", "inconclusive", "blocked"}
    ]
    assert above == []
    assert isinstance(lines[-1], Footer)
    assert lines[-1].exit_code == 0
    assert lines[-1].remaining_uploads == ()


def without_volatile_values(line: RecordLine) -> object:
    """Return what a line says, without times and without the ids that a server made up."""
    text = msgspec.json.encode(line).decode()
    text = re.sub(r"[0-9a-f]{32}", "ID", text)
    text = re.sub(r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT", "DATE", text)
    text = re.sub(r'"(at|started|seconds)":[-0-9.e]+', r'"\1":0', text)
    return re.sub(r'"events":\[.*?\](?=[,}])', '"events":[]', text)


def test_a_run_of_many_jobs_says_what_a_run_of_one_does() -> None:
    some = ("core.head.*", "core.patch.[c-o]*", "creation.*", "termination.*")
    one, many = (
        run_in_memory(CORRECT_SERVER.serve, *some),
        run_in_memory(CORRECT_SERVER.serve, *some, jobs=8),
    )
    assert sum(bool(line.attempts) for line in one if isinstance(line, ScenarioResult)) > 100
    assert [_named(line) for line in one] == [_named(line) for line in many]
    for line, other in zip(one, many, strict=True):
        told = isinstance(line, ScenarioResult) and not line.id.startswith(("always.", *RACING))
        if told or isinstance(line, RequirementResult):
            assert without_volatile_values(line) == without_volatile_values(other)


def _named(line: RecordLine) -> tuple[str, str]:
    if isinstance(line, RequirementResult | ScenarioResult):
        return line.id, line.verdict
    return type(line).__name__, ""
