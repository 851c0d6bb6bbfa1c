"""The proof itself: what it spares itself, what its gates see, and some of its servers judged."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from proof import results as kept
from proof.__main__ import PAGE
from proof.cases import REFERENCE, server_case
from proof.gate_exceptions import check_exceptions, exceptions
from proof.gates import (
    GATES,
    check_as_declared,
    check_declarations,
    check_only_noted,
    check_quirks,
    check_requirements_covered,
    check_scenarios_kill,
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
from tus_reference import Config
from tus_reference.defects import Modification, ModifiedHandler, defects
from tus_reference.defects.response_edits import to, with_status
from tus_reference.model import FileInfo, Headers, Request, Response
from tus_reference.quirks import quirks
from tus_scenarios import Condition, Expectation, Grade, ledger, scenarios

if TYPE_CHECKING:
    from tus_reference.defects.modification import CallNext

SAMPLE_STEP = 12
"""Of so many scenarios a legal server is told one here."""

# Rehearsals


def server_exchange(method: str, status: int = 204, **headers: str) -> ServerExchange:
    """Return an exchange about the upload "u", of which 4 of 10 bytes are there."""
    fields = [(name.replace("_", "-"), value) for name, value in headers.items()]
    info: dict[str, FileInfo | None] = {"u": FileInfo(id="u", size=10, offset=4)}
    request = Request(method, "/files/u", Headers(fields), UnreadableBody(6))
    return ServerExchange(request, Response(status), info, info, 1.0, 2.0)


async def _reads(handler: ModifiedHandler, request: Request, respond: CallNext) -> Response:
    await request.body.read_into(memoryview(bytearray(1)))
    return await respond(request)


async def _looks(handler: ModifiedHandler, request: Request, respond: CallNext) -> Response:
    info = await handler.uploads.get("u")
    return await respond(request) if info.offset == 4 else Response(500)


async def _stores(handler: ModifiedHandler, request: Request, respond: CallNext) -> Response:
    await handler.uploads.store.get_info("u")
    return await respond(request)


async def _asks_another(handler: ModifiedHandler, request: Request, respond: CallNext) -> Response:
    await handler.uploads.get("another")
    return await respond(request)


async def _asks_anew(handler: ModifiedHandler, request: Request, respond: CallNext) -> Response:
    return await respond(Request("PATCH", "/files/u", Headers(), request.body))


async def _remembers(handler: ModifiedHandler, request: Request, respond: CallNext) -> Response:
    if "u" in handler.memory.marked:
        return Response(500)
    handler.memory.marked.add("u")
    return await respond(request)


REPLAY_CASES = [
    (Modification(edit_response=lambda _, response: response), 1, True, "an answer left as it is"),
    (Modification(edit_response=lambda _, r: with_status(r, 500)), 1, False, "an answer altered"),
    (
        Modification(to("HEAD"), edit_response=lambda _, r: with_status(r, 500)),
        1,
        True,
        "not concerned",
    ),
    (Modification(wrap_handler=_reads), 1, False, "a body that is read"),
    (Modification(wrap_handler=_looks), 1, True, "an upload that is looked at"),
    (Modification(wrap_handler=_stores), 1, False, "a store that is touched"),
    (Modification(wrap_handler=_asks_another), 1, False, "an upload that nobody told of"),
    (Modification(wrap_handler=_asks_anew), 1, False, "a request that is replaced"),
    (Modification(wrap_handler=_remembers), 1, True, "what is remembered for later"),
    (Modification(wrap_handler=_remembers), 2, False, "and counts then"),
    (Modification(change_config=lambda config: config), 1, False, "settings"),
]


@pytest.mark.parametrize(
    ("defect", "times", "alone"),
    [row[:3] for row in REPLAY_CASES],
    ids=[row[3] for row in REPLAY_CASES],
)
def test_a_rehearsal_is_sure_or_gives_up(defect: Modification, times: int, alone: bool) -> None:
    traffic = ScenarioTraffic([server_exchange("PATCH")] * times)
    assert leaves_unchanged(defect, traffic, Config()) is alone


def test_requests_that_met_are_never_spared() -> None:
    traffic = ScenarioTraffic([server_exchange("PATCH")], concurrent=True)
    assert not leaves_unchanged(Modification(wrap_handler=_looks), traffic, Config())


# Gates


def defect(**changes: object) -> DefectResult:
    """Return what the fault head-without-offset has to do, with changes."""
    declared = defects()["head-without-offset"]
    usual = {"id": declared.id, "breaks": declared.breaks, "violates": dict(declared.violates)}
    return DefectResult(**(usual | changes))  # type: ignore[arg-type]


def quirk(**changes: object) -> QuirkResult:
    """Return what the eccentric no-maximum is charged with, with changes."""
    return QuirkResult(**({"id": "no-maximum"} | changes))  # type: ignore[arg-type]


def findings(*faults: DefectResult, eccentrics: tuple[QuirkResult, ...] = ()) -> ProofResult:
    return ProofResult(faults=faults, eccentrics=eccentrics)


def test_a_fault_as_declared_passes_its_gate() -> None:
    assert list(check_as_declared(findings(defect()))) == []


@pytest.mark.parametrize(
    "violates", [{}, {"core.head.upload-offset": "warn"}, {"core.patch.accept": "warn"}]
)
def test_a_fault_that_is_not_as_declared_fails_its_gate(violates: dict[str, str]) -> None:
    assert len(list(check_as_declared(findings(defect(violates=violates))))) == 1


@pytest.mark.parametrize(
    ("found", "sentences"),
    [
        (quirk(), 0),
        (quirk(violates={"core.patch.accept": "fail"}), 1),
        (quirk(violates={"core.patch.accept": "warn"}), 1),
        (quirk(undetermined={"core.patch.accept": "error"}), 1),
        (quirk(id="gone-for-not-found"), 1),
    ],
)
def test_an_eccentric_is_charged_with_what_it_declares(found: QuirkResult, sentences: int) -> None:
    assert len(list(check_quirks(findings(eccentrics=(found,))))) == sentences


def test_rows_and_scenarios_without_a_fault_are_named() -> None:
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


def test_a_row_that_is_only_noted_is_watched() -> None:
    probed = next(iter(PROBE_ONLY))
    assert len(list(check_only_noted(findings(defect(violates={probed: "warn"}))))) == 1
    assert len(list(check_only_noted(findings(defect(violates={probed: "fail"}))))) == 1


def test_a_server_that_fails_altogether_may_fail_what_is_only_noted() -> None:
    probe = next(row for row in noted_requirements() if row not in PROBE_ONLY)
    assert len(list(check_only_noted(findings(defect(violates={probe: "warn"}))))) == 1
    assert list(check_only_noted(findings(defect(violates={probe: "fail"})))) == []


def test_a_row_that_scenarios_look_at_is_graded_or_only_noted() -> None:
    looked_at = {row for each in scenarios() for row in each.requirements}
    assert sorted((*gradable_requirements(), *noted_requirements())) == sorted(looked_at)
    assert all(noted_requirements().values())


def test_a_check_that_was_seen_one_way_only_is_named() -> None:
    every = {check.key: frozenset({"pass", "fail", "note"}) for check in gradable_checks()}
    assert list(find_unproven_checks([(every, {})])) == []
    key = next(check.key for check in gradable_checks() if check.gradable)
    for seen in ({"pass", "not reached"}, {"fail"}):
        assert len(list(find_unproven_checks([(every | {key: frozenset(seen)}, {})]))) == 1


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
def test_the_checks_of_stories_are_held_against_what_they_can_come_out_as(
    grades: set[Grade], seen: set[str], sentence: str
) -> None:
    every = {check.key: frozenset({"pass", "fail", "note"}) for check in gradable_checks()}
    key = ("a.story", "core.patch.concurrent: status 204")
    found = list(find_unproven_checks([(every | {key: frozenset(seen)}, {key: frozenset(grades)})]))
    name = f"{key[0]} {key[1]}"
    assert found == ([f"{name}: {sentence}"] if sentence else [])


def test_what_stands_under_its_own_condition_has_no_other_grade() -> None:
    seen = Condition(header={"X": True})
    asked = Expectation(when=seen, header={"X": "1"}, checks="core.patch.accept", note=(seen,))
    assert grades_of(asked, "core.patch.accept") == {"pass", "note"}
    other = Expectation(when=seen, header={"X": "1"}, checks="core.patch.accept", otherwise="fail")
    assert grades_of(other, "core.patch.accept") == {"pass", "fail"}


# What is declared, and what is kept


def test_what_is_declared_is_in_the_ledger() -> None:
    assert list(check_declarations()) == []
    warned = {row for each in quirks().values() for row in each.warns}
    assert warned <= set(ledger())


def test_what_is_kept_can_be_read_and_written_alike() -> None:
    assert kept.format_matrix(kept.read_matrix()) == kept.MATRIX.read_text("utf-8")


def test_what_is_kept_is_of_these_faults_and_eccentrics() -> None:
    found = kept.read_matrix()
    assert [each.id for each in found.faults] == list(defects())
    assert [each.id for each in found.eccentrics] == [REFERENCE, *quirks()]


@pytest.mark.parametrize("name", GATES)
def test_what_is_kept_passes_every_gate(name: str) -> None:
    assert list(GATES[name](kept.read_matrix())) == []


def test_the_page_is_made_of_what_is_kept() -> None:
    assert PAGE.read_text("utf-8") == render_page(kept.read_matrix())


# Every server judged by a part of the scenarios; the proof judges them by all

INVARIANT_REQUIREMENTS = frozenset(invariant.requirement for invariant in invariants())
"""Rows that may show in the sum of the scenarios alone."""


@pytest.mark.parametrize("found", kept.read_matrix().faults, ids=lambda found: found.id)
def test_a_fault_is_found_by_the_scenarios_that_show_it(found: DefectResult) -> None:
    modification = defects()[found.id].modification
    server_result = evaluate_server(
        server_case(found.on), modification=modification, scenario_ids=frozenset(found.shown)
    )
    violated = {
        row: each for row, each in server_result.violations().items() if row != CORE_REQUIREMENT
    }
    # What is warned of here may be left open by the sum of all scenarios.
    left_open = {row for row, each in found.hides.items() if each in UNDETERMINED}
    assert violated.keys() <= found.violates.keys() | left_open
    missing = {row for row, grade in found.violates.items() if violated.get(row) != grade}
    assert missing <= INVARIANT_REQUIREMENTS
    assert found.breaks not in missing or not found.shown


@pytest.mark.parametrize(("number", "identifier"), list(enumerate((REFERENCE, *quirks()))))
def test_a_legal_server_is_not_failed_by_a_sample_of_the_scenarios(
    number: int, identifier: str
) -> None:
    names = [each.id for each in scenarios()]
    server_result = evaluate_server(
        server_case(identifier), scenario_ids=frozenset(names[number % SAMPLE_STEP :: SAMPLE_STEP])
    )
    warned = quirks()[identifier].warns if identifier else frozenset()
    assert server_result.violations().items() <= dict.fromkeys(warned, "warn").items()
    assert not {"error", "inconclusive"} & set(server_result.requirements.values())


REUSED_DEFECTS = ("parts-only-once", "finals-without-offset")


@pytest.mark.parametrize("identifier", REUSED_DEFECTS)
def test_what_a_fault_leaves_alone_comes_out_the_same_when_told_again(identifier: str) -> None:
    modification = defects()[identifier].modification
    some = frozenset(each.id for each in scenarios() if each.extension == "concatenation")
    _, known = evaluate_and_record(ServerCase(), scenario_ids=some)
    reused, told = (
        evaluate_server(ServerCase(), each, modification=modification, scenario_ids=some)
        for each in (known, None)
    )
    assert reused.requirements == told.requirements
    assert reused.scenarios == told.scenarios


def test_judging_leaves_the_log_as_it_was() -> None:
    logger = logging.getLogger("tus_reference")
    before = logger.level
    evaluate_server(ServerCase(), scenario_ids=frozenset({"core.options.version"}))
    assert logger.level == before
