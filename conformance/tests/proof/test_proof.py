"""`proof`: replays, gates, the contents of matrix.json, and some servers evaluated."""

from __future__ import annotations

import logging
from collections import Counter
from typing import TYPE_CHECKING

import msgspec
import pytest

from proof import results as kept
from proof.__main__ import PAGE
from proof.cases import REFERENCE, server_case
from proof.gate_exceptions import check_exceptions, exceptions
from proof.gates import (
    GATES,
    check_defects_found,
    check_ledger,
    check_only_noted,
    check_quirks,
    check_requirements_covered,
    check_scenarios_kill,
    compare_with_matrix,
)
from proof.gradable_checks import (
    PROBE_ONLY,
    gradable_checks,
    gradable_requirements,
    gradable_scenarios,
    grades_of,
    noted_requirements,
)
from proof.memory_evaluation import ServerCase, evaluate_and_record, evaluate_server
from proof.page import render_page
from proof.results import DefectResult, ProofResult, QuirkResult
from proof.traffic_replay import ScenarioTraffic, ServerExchange, UnreadableBody, leaves_unchanged
from proof.unproven_checks import find_unproven_checks
from tus_conformance.evaluation.invariants import invariants
from tus_conformance.evaluation.requirement_results import CORE_REQUIREMENT
from tus_conformance.evaluation.verdicts import UNDETERMINED
from tus_defects import Change, defects, quirks
from tus_defects.message_edits import set_status
from tus_defects.rule import Match
from tus_defects.variant import REGISTERED, Act
from tus_reference import Config, MemoryStore
from tus_reference.model import FileInfo, Headers, Request, Response
from tus_scenarios import Condition, Expectation, Grade, scenarios

if TYPE_CHECKING:
    from tus_defects.call import Call

SAMPLE_STEP = 12
"""Of so many scenarios a quirk runs one here."""

# Replays


def server_exchange(method: str, status: int = 204, **headers: str) -> ServerExchange:
    """Return an exchange about the upload "u", of which 4 of 10 bytes are there."""
    fields = [(name.replace("_", "-"), value) for name, value in headers.items()]
    info: dict[str, FileInfo | None] = {"u": FileInfo(id="u", size=10, offset=4)}
    request = Request(method, "/files/u", Headers(fields), UnreadableBody(6))
    return ServerExchange(request, Response(status), info, info, 1.0, 2.0)


async def _keeps(call: Call) -> Response:
    return await call.respond()


async def _alters(call: Call) -> Response:
    return set_status(await call.respond(), 500)


async def _reads(call: Call) -> Response:
    await call.request.body.read_into(memoryview(bytearray(1)))
    return await call.respond()


async def _looks(call: Call) -> Response:
    info = await call.upload()
    return await call.respond() if info and info.offset == 4 else Response(500)


async def _stores(call: Call) -> Response:
    await call.server.find_all()
    return await call.respond()


async def _looks_at_another(call: Call) -> Response:
    await call.server.find("another")
    return await call.respond()


async def _replaces_request(call: Call) -> Response:
    return await call.respond(Request("PATCH", "/files/u", Headers(), call.request.body))


async def _remembers(call: Call) -> Response:
    if "u" in call.memory.marked:
        return Response(500)
    call.memory.marked.add("u")
    return await call.respond()


REPLAY_CASES = [
    (Change(act=_keeps), 1, True, "a response left as it is"),
    (Change(act=_alters), 1, False, "a response altered"),
    (Change(Match(method="HEAD"), _alters), 1, True, "not concerned"),
    (Change(act=_reads), 1, False, "a body that is read"),
    (Change(act=_looks), 1, True, "an upload that is looked at"),
    (Change(act=_stores), 1, False, "a store that is touched"),
    (Change(act=_looks_at_another), 1, False, "an upload that was not recorded"),
    (Change(act=_replaces_request), 1, False, "a request that is replaced"),
    (Change(act=_remembers), 1, True, "what is remembered for later"),
    (Change(act=_remembers), 2, False, "and counts then"),
    (Change(configure=lambda config: config), 1, False, "settings"),
]
CONFIG = Config(data_store=MemoryStore()).validate()


@pytest.mark.parametrize(
    ("change", "times", "alone"),
    [row[:3] for row in REPLAY_CASES],
    ids=[row[3] for row in REPLAY_CASES],
)
def test_a_replay_is_sure_or_gives_up(change: Change, times: int, alone: bool) -> None:
    traffic = ScenarioTraffic([server_exchange("PATCH")] * times)
    assert leaves_unchanged(change, traffic, CONFIG) is alone


@pytest.mark.parametrize("act", [_looks, _keeps])
def test_concurrent_requests_are_never_replayed(act: Act) -> None:
    traffic = ScenarioTraffic([server_exchange("PATCH")], concurrent=True)
    assert not leaves_unchanged(Change(act=act), traffic, CONFIG)


# Gates


def defect(**changes: object) -> DefectResult:
    """Return the expected result of the defect head-without-offset, with changes."""
    expected = next(each for each in kept.read_matrix().defects if each.id == "head-without-offset")
    return msgspec.structs.replace(expected, **changes)


def quirk(**changes: object) -> QuirkResult:
    """Return the expected result of the quirk no-maximum, with changes."""
    return msgspec.structs.replace(QuirkResult(id="no-maximum"), **changes)


def findings(*defects: DefectResult, quirks: tuple[QuirkResult, ...] = ()) -> ProofResult:
    return ProofResult(defects=defects, quirks=quirks)


def test_a_defect_that_is_found_passes_its_gate() -> None:
    assert list(check_defects_found(findings(defect()))) == []


@pytest.mark.parametrize("violates", [{}, {"core.patch.accept": "warn"}])
def test_a_defect_that_its_requirement_does_not_show_fails_its_gate(
    violates: dict[str, str],
) -> None:
    assert len(list(check_defects_found(findings(defect(violates=violates))))) == 1


def test_a_violated_requirement_that_the_ledger_lacks_is_named() -> None:
    assert list(check_ledger(findings(defect()))) == []
    assert len(list(check_ledger(findings(defect(violates={"core.nothing": "fail"}))))) == 1
    assert len(list(check_ledger(findings(defect(breaks="core.nothing"))))) == 1


def test_a_server_as_in_the_matrix_is_not_named() -> None:
    matrix = kept.read_matrix()
    assert list(compare_with_matrix(matrix, matrix)) == []


@pytest.mark.parametrize(
    "measured",
    [
        findings(defect(violates={})),
        findings(defect(violates={"core.head.upload-offset": "warn"})),
        findings(defect(violates=defect().violates | {"core.patch.accept": "warn"})),
        findings(defect(hides={})),
        findings(defect(fails=())),
        findings(defect(id="not-in-the-matrix")),
        findings(quirks=(quirk(violates={"core.patch.accept": "warn"}),)),
    ],
)
def test_every_difference_from_the_matrix_is_named(measured: ProofResult) -> None:
    assert len(list(compare_with_matrix(measured, kept.read_matrix()))) == 1


@pytest.mark.parametrize(
    ("found", "sentences"),
    [
        (quirk(), 0),
        (quirk(violates={"core.patch.accept": "fail"}), 1),
        (quirk(violates={"core.patch.accept": "warn"}), 0),
        (quirk(id=REFERENCE, violates={"core.patch.accept": "warn"}), 1),
        (quirk(undetermined={"core.patch.accept": "error"}), 1),
    ],
)
def test_a_quirk_fails_nothing_and_the_reference_has_no_warning(
    found: QuirkResult, sentences: int
) -> None:
    assert len(list(check_quirks(findings(quirks=(found,))))) == sentences


def test_requirements_and_scenarios_without_a_defect_are_named() -> None:
    rows = len(gradable_requirements()) - len(exceptions().rows)
    names = len(gradable_scenarios()) - len(exceptions().scenarios)
    assert len(list(check_requirements_covered(findings()))) == rows
    assert len(list(check_scenarios_kill(findings()))) == names
    found = defect(fails=("core.head.upload-offset/none",))
    assert len(list(check_requirements_covered(findings(found)))) == rows - 1
    assert len(list(check_scenarios_kill(findings(found)))) == names - 1


@pytest.mark.parametrize(
    ("failing", "excepted", "sentences"),
    [
        ((), {}, []),
        (("a",), {"a": "why"}, []),
        (("a", "b"), {"a": "why"}, ["b is amiss."]),
        ((), {"a": "why"}, ["a is an exception in exceptions.toml that is not needed"]),
    ],
)
def test_exceptions_are_strict_both_ways(
    failing: tuple[str, ...], excepted: dict[str, str], sentences: list[str]
) -> None:
    found = list(check_exceptions(failing, excepted, "is amiss"))
    assert [each.partition(";")[0] for each in found] == sentences


def test_a_requirement_that_is_noted_only_is_never_graded() -> None:
    probed = next(iter(PROBE_ONLY))
    assert len(list(check_only_noted(findings(defect(violates={probed: "warn"}))))) == 1
    assert len(list(check_only_noted(findings(defect(violates={probed: "fail"}))))) == 1


def test_a_server_that_fails_altogether_may_fail_what_is_only_noted() -> None:
    probe = next(row for row in noted_requirements() if row not in PROBE_ONLY)
    assert len(list(check_only_noted(findings(defect(violates={probe: "warn"}))))) == 1
    assert list(check_only_noted(findings(defect(violates={probe: "fail"})))) == []


def test_a_checked_requirement_is_graded_or_only_noted() -> None:
    looked_at = {row for each in scenarios() for row in each.requirements}
    assert sorted((*gradable_requirements(), *noted_requirements())) == sorted(looked_at)
    assert all(noted_requirements().values())


def test_a_check_that_was_seen_one_way_only_is_named() -> None:
    every = {check.key: frozenset({"pass", "fail", "note"}) for check in gradable_checks()}
    assert list(find_unproven_checks([(every, {})])) == []
    repeats = Counter(check.repeats for check in gradable_checks())
    single, again = (
        next(x.key for x in gradable_checks() if x.gradable and (repeats[x.repeats] > 1) is several)
        for several in (False, True)
    )
    for seen in ({"pass", "not reached"}, {"fail"}):
        assert len(list(find_unproven_checks([(every | {single: frozenset(seen)}, {})]))) == 1
        assert list(find_unproven_checks([(every | {again: frozenset(seen)}, {})])) == []


@pytest.mark.parametrize(
    ("grades", "seen", "sentence"),
    [
        ({"pass", "fail"}, {"pass"}, "never violated"),
        ({"pass", "fail"}, {"fail"}, "never held"),
        ({"pass", "fail"}, {"pass", "fail"}, ""),
        ({"pass", "note"}, {"pass"}, "always pass"),
        ({"pass", "note"}, {"pass", "note"}, ""),
    ],
)
def test_the_checks_of_function_scenarios_have_only_possible_grades(
    grades: set[Grade], seen: set[str], sentence: str
) -> None:
    every = {check.key: frozenset({"pass", "fail", "note"}) for check in gradable_checks()}
    key = ("a.story", "core.patch.concurrent: status 204")
    found = list(find_unproven_checks([(every | {key: frozenset(seen)}, {key: frozenset(grades)})]))
    name = f"{key[0]} {key[1]}"
    assert found == ([f"{name}: {sentence}"] if sentence else [])


def test_a_check_under_its_own_condition_has_no_other_grade() -> None:
    seen = Condition(header={"X": True})
    asked = Expectation(when=seen, header={"X": "1"}, checks="core.patch.accept", note=(seen,))
    assert grades_of(asked, "core.patch.accept") == {"pass", "note"}
    other = Expectation(when=seen, header={"X": "1"}, checks="core.patch.accept", otherwise="fail")
    assert grades_of(other, "core.patch.accept") == {"pass", "fail"}


# What matrix.json holds


def test_the_matrix_can_be_read_and_written_alike() -> None:
    assert kept.format_matrix(kept.read_matrix()) == kept.MATRIX.read_text("utf-8")


def test_the_matrix_has_every_defect_and_quirk() -> None:
    found, unmeasured = kept.read_matrix(), exceptions().unmeasured
    assert unmeasured.keys() <= defects().keys() | quirks().keys()
    assert [each.id for each in found.defects] == [x for x in defects() if x not in unmeasured]
    measured = [each for each in quirks() if each not in unmeasured]
    assert [each.id for each in found.quirks] == [REFERENCE, *measured]


@pytest.mark.parametrize("name", GATES)
def test_the_matrix_passes_every_gate(name: str) -> None:
    assert list(GATES[name](kept.read_matrix())) == []


def test_the_page_is_made_from_the_matrix() -> None:
    assert PAGE.read_text("utf-8") == render_page(kept.read_matrix())


# Every server evaluated by a part of the scenarios; the proof evaluates them by all

INVARIANT_REQUIREMENTS = frozenset(invariant.requirement for invariant in invariants())
"""Requirements that may show only in the sum of the scenarios."""
BY_CHANCE = frozenset(
    each.id for each in defects().values() if each in REGISTERED["tus_defects.broken.crowds"]
)
"""Defects that show when requests meet: in what else they show depends on the order of tasks."""


@pytest.mark.parametrize("found", kept.read_matrix().defects, ids=lambda found: found.id)
def test_a_defect_is_found_by_the_scenarios_that_show_it(found: DefectResult) -> None:
    change = defects()[found.id].change
    server_result = evaluate_server(
        server_case(found.on), change=change, scenario_ids=frozenset(found.shown)
    )
    violated = {
        row: each for row, each in server_result.violations().items() if row != CORE_REQUIREMENT
    }
    if found.id in BY_CHANCE:
        assert found.breaks in violated or found.breaks not in found.violates
        return
    # What is warned of here may be left open by the sum of all scenarios.
    left_open = {row for row, each in found.hides.items() if each in UNDETERMINED}
    assert violated.keys() <= found.violates.keys() | left_open
    # What none of these scenarios checks is a violation that only several together show.
    checked = {
        row for each in scenarios() if each.id in found.shown for row in each.requirements
    } | {found.breaks}
    missing = {
        row
        for row, grade in found.violates.items()
        if row in checked and violated.get(row) != grade
    }
    assert missing <= INVARIANT_REQUIREMENTS | _shown_by_waiting(found)
    showing = {each.id for each in scenarios() if found.breaks in each.requirements}
    assert found.breaks not in missing or not showing & set(found.shown)


def _shown_by_waiting(found: DefectResult) -> set[str]:
    """Return the requirements that only scenarios which wait show.

    What was waited for in vain is not waited for again, so a part of the scenarios may show less.
    """
    shown = [each for each in scenarios() if each.id in found.shown]
    waiting = [each for each in shown if any(step.within for step in each.steps)]
    patient = {row for each in shown if each not in waiting for row in each.requirements}
    return {row for each in waiting for row in each.requirements} - patient


MEASURED_QUIRKS = [each.id for each in kept.read_matrix().quirks]


@pytest.mark.parametrize(("number", "identifier"), list(enumerate(MEASURED_QUIRKS)))
def test_a_quirk_fails_no_sample_of_the_scenarios(number: int, identifier: str) -> None:
    names = [each.id for each in scenarios()]
    server_result = evaluate_server(
        server_case(identifier), scenario_ids=frozenset(names[number % SAMPLE_STEP :: SAMPLE_STEP])
    )
    expected = next(each for each in kept.read_matrix().quirks if each.id == identifier)
    violated = server_result.violations()
    violated.pop(CORE_REQUIREMENT, None)  # it sums up the others, and the matrix leaves it out
    assert violated.items() <= expected.violates.items()
    assert not {"error", "inconclusive"} & set(server_result.requirements.values())


REUSED_DEFECTS = ("repeated-partial-refused", "head-of-final-without-offset")


@pytest.mark.parametrize("identifier", REUSED_DEFECTS)
def test_what_a_defect_leaves_unchanged_has_the_same_result_when_it_runs(identifier: str) -> None:
    change = defects()[identifier].change
    some = frozenset(each.id for each in scenarios() if each.extension == "concatenation")
    _, known = evaluate_and_record(ServerCase(), scenario_ids=some)
    reused, run = (
        evaluate_server(ServerCase(), each, change=change, scenario_ids=some)
        for each in (known, None)
    )
    assert reused.requirements == run.requirements
    assert reused.scenarios == run.scenarios


def test_an_evaluation_leaves_the_log_level_as_it_was() -> None:
    logger = logging.getLogger("tus_reference")
    before = logger.level
    evaluate_server(ServerCase(), scenario_ids=frozenset({"core.options.version"}))
    assert logger.level == before
