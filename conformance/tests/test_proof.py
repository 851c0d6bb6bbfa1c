"""The proof itself: what it spares itself, what its gates see, and some of its servers judged."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from proof import findings as kept
from proof.__main__ import PAGE
from proof.cases import REFERENCE, case_of
from proof.exceptions import but_for, exceptions
from proof.findings import EccentricFound, FaultFound, Findings
from proof.gates import GATES, as_declared, covered, declarations, killing, legal, only_noted
from proof.gradable import (
    PROBED,
    checks,
    gradable_rows,
    gradable_scenarios,
    grades,
    noted_rows,
)
from proof.memory import Case, get_to_know, judge
from proof.page import page
from proof.rehearsal import Exchange, Recording, Unread, leaves_alone
from proof.vacuity import unproven
from tus_conformance.judging.invariants import invariants
from tus_conformance.judging.verdict import UNDETERMINED
from tus_conformance.running.rows import AGGREGATE
from tus_reference import Config
from tus_reference.eccentrics import eccentrics
from tus_reference.faults import Behaving, Behaviour, faults
from tus_reference.faults.alterations import to, with_status
from tus_reference.handler import FileInfo, Request, Response
from tus_reference.protocol import Headers
from tus_scenarios import Condition, Expectation, Grade, ledger, scenarios

if TYPE_CHECKING:
    from tus_reference.faults.behaviour import Respond

SAMPLED = 12
"""Of so many scenarios a legal server is told one here."""

# Rehearsals


def exchange(method: str, status: int = 204, **headers: str) -> Exchange:
    """Return an exchange about the upload "u", of which 4 of 10 bytes are there."""
    fields = [(name.replace("_", "-"), value) for name, value in headers.items()]
    info: dict[str, FileInfo | None] = {"u": FileInfo(id="u", size=10, offset=4)}
    request = Request(method, "/files/u", Headers(fields), Unread(6))
    return Exchange(request, Response(status), info, info, 1.0, 2.0)


async def _reads(behaving: Behaving, request: Request, respond: Respond) -> Response:
    await request.body.read_into(memoryview(bytearray(1)))
    return await respond(request)


async def _looks(behaving: Behaving, request: Request, respond: Respond) -> Response:
    info = await behaving.uploads.get("u")
    return await respond(request) if info.offset == 4 else Response(500)


async def _stores(behaving: Behaving, request: Request, respond: Respond) -> Response:
    await behaving.uploads.store.get_info("u")
    return await respond(request)


async def _asks_another(behaving: Behaving, request: Request, respond: Respond) -> Response:
    await behaving.uploads.get("another")
    return await respond(request)


async def _asks_anew(behaving: Behaving, request: Request, respond: Respond) -> Response:
    return await respond(Request("PATCH", "/files/u", Headers(), request.body))


async def _remembers(behaving: Behaving, request: Request, respond: Respond) -> Response:
    if "u" in behaving.memory.marked:
        return Response(500)
    behaving.memory.marked.add("u")
    return await respond(request)


REHEARSED = [
    (Behaviour(alter=lambda _, response: response), 1, True, "an answer left as it is"),
    (Behaviour(alter=lambda _, r: with_status(r, 500)), 1, False, "an answer altered"),
    (Behaviour(to("HEAD"), alter=lambda _, r: with_status(r, 500)), 1, True, "not concerned"),
    (Behaviour(act=_reads), 1, False, "a body that is read"),
    (Behaviour(act=_looks), 1, True, "an upload that is looked at"),
    (Behaviour(act=_stores), 1, False, "a store that is touched"),
    (Behaviour(act=_asks_another), 1, False, "an upload that nobody told of"),
    (Behaviour(act=_asks_anew), 1, False, "a request that is replaced"),
    (Behaviour(act=_remembers), 1, True, "what is remembered for later"),
    (Behaviour(act=_remembers), 2, False, "and counts then"),
    (Behaviour(settings=lambda config: config), 1, False, "settings"),
]


@pytest.mark.parametrize(
    ("fault", "times", "alone"), [row[:3] for row in REHEARSED], ids=[row[3] for row in REHEARSED]
)
def test_a_rehearsal_is_sure_or_gives_up(fault: Behaviour, times: int, alone: bool) -> None:
    recording = Recording([exchange("PATCH")] * times)
    assert leaves_alone(fault, recording, Config()) is alone


def test_requests_that_met_are_never_spared() -> None:
    recording = Recording([exchange("PATCH")], met=True)
    assert not leaves_alone(Behaviour(act=_looks), recording, Config())


# Gates


def fault(**changes: object) -> FaultFound:
    """Return what the fault head-without-offset has to do, with changes."""
    declared = faults()["head-without-offset"]
    usual = {"id": declared.id, "breaks": declared.breaks, "violates": dict(declared.violates)}
    return FaultFound(**(usual | changes))  # type: ignore[arg-type]


def eccentric(**changes: object) -> EccentricFound:
    """Return what the eccentric no-maximum is charged with, with changes."""
    return EccentricFound(**({"id": "no-maximum"} | changes))  # type: ignore[arg-type]


def findings(*faults: FaultFound, eccentrics: tuple[EccentricFound, ...] = ()) -> Findings:
    return Findings(faults=faults, eccentrics=eccentrics)


def test_a_fault_as_declared_passes_its_gate() -> None:
    assert list(as_declared(findings(fault()))) == []


@pytest.mark.parametrize(
    "violates", [{}, {"core.head.upload-offset": "warn"}, {"core.patch.accept": "warn"}]
)
def test_a_fault_that_is_not_as_declared_fails_its_gate(violates: dict[str, str]) -> None:
    assert len(list(as_declared(findings(fault(violates=violates))))) == 1


@pytest.mark.parametrize(
    ("found", "sentences"),
    [
        (eccentric(), 0),
        (eccentric(violates={"core.patch.accept": "fail"}), 1),
        (eccentric(violates={"core.patch.accept": "warn"}), 1),
        (eccentric(undetermined={"core.patch.accept": "error"}), 1),
        (eccentric(id="gone-for-not-found"), 1),
    ],
)
def test_an_eccentric_is_charged_with_what_it_declares(
    found: EccentricFound, sentences: int
) -> None:
    assert len(list(legal(findings(eccentrics=(found,))))) == sentences


def test_rows_and_scenarios_without_a_fault_are_named() -> None:
    rows = len(gradable_rows()) - len(exceptions().rows)
    names = len(gradable_scenarios()) - len(exceptions().scenarios)
    assert len(list(covered(findings()))) == rows
    assert len(list(killing(findings()))) == names
    found = fault(fails=("core.head.upload-offset/none",))
    assert len(list(covered(findings(found)))) == rows - 1
    assert len(list(killing(findings(found)))) == names - 1


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
    found = list(but_for(failing, excepted, "is amiss"))
    assert [each.partition(";")[0] for each in found] == sentences


def test_a_row_that_is_only_noted_is_watched() -> None:
    probed = next(iter(PROBED))
    assert len(list(only_noted(findings(fault(violates={probed: "warn"}))))) == 1
    assert len(list(only_noted(findings(fault(violates={probed: "fail"}))))) == 1


def test_a_server_that_fails_altogether_may_fail_what_is_only_noted() -> None:
    probe = next(row for row in noted_rows() if row not in PROBED)
    assert len(list(only_noted(findings(fault(violates={probe: "warn"}))))) == 1
    assert list(only_noted(findings(fault(violates={probe: "fail"})))) == []


def test_a_row_that_scenarios_look_at_is_graded_or_only_noted() -> None:
    looked_at = {row for each in scenarios() for row in each.requirements}
    assert sorted((*gradable_rows(), *noted_rows())) == sorted(looked_at)
    assert all(noted_rows().values())


def test_a_check_that_was_seen_one_way_only_is_named() -> None:
    every = {check.place: frozenset({"pass", "fail", "note"}) for check in checks()}
    assert list(unproven([(every, {})])) == []
    place = next(check.place for check in checks() if check.gradable)
    for seen in ({"pass", "not reached"}, {"fail"}):
        assert len(list(unproven([(every | {place: frozenset(seen)}, {})]))) == 1


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
    every = {check.place: frozenset({"pass", "fail", "note"}) for check in checks()}
    place = ("a.story", "core.patch.concurrent: status 204")
    found = list(unproven([(every | {place: frozenset(seen)}, {place: frozenset(grades)})]))
    name = f"{place[0]} {place[1]}"
    assert found == ([f"{name}: {sentence}"] if sentence else [])


def test_what_stands_under_its_own_condition_has_no_other_grade() -> None:
    seen = Condition(header={"X": True})
    asked = Expectation(when=seen, header={"X": "1"}, checks="core.patch.accept", note=(seen,))
    assert grades(asked, "core.patch.accept") == {"pass", "note"}
    other = Expectation(when=seen, header={"X": "1"}, checks="core.patch.accept", otherwise="fail")
    assert grades(other, "core.patch.accept") == {"pass", "fail"}


# What is declared, and what is kept


def test_what_is_declared_is_in_the_ledger() -> None:
    assert list(declarations()) == []
    warned = {row for each in eccentrics().values() for row in each.warns}
    assert warned <= set(ledger())


def test_what_is_kept_can_be_read_and_written_alike() -> None:
    assert kept.text_of(kept.read()) == kept.MATRIX.read_text("utf-8")


def test_what_is_kept_is_of_these_faults_and_eccentrics() -> None:
    found = kept.read()
    assert [each.id for each in found.faults] == list(faults())
    assert [each.id for each in found.eccentrics] == [REFERENCE, *eccentrics()]


@pytest.mark.parametrize("name", GATES)
def test_what_is_kept_passes_every_gate(name: str) -> None:
    assert list(GATES[name](kept.read())) == []


def test_the_page_is_made_of_what_is_kept() -> None:
    assert PAGE.read_text("utf-8") == page(kept.read())


# Every server judged by a part of the scenarios; the proof judges them by all

OF_EVERY_RUN = frozenset(invariant.requirement for invariant in invariants())
"""Rows that may show in the sum of the scenarios alone."""


@pytest.mark.parametrize("found", kept.read().faults, ids=lambda found: found.id)
def test_a_fault_is_found_by_the_scenarios_that_show_it(found: FaultFound) -> None:
    behaviour = faults()[found.id].behaviour
    judged = judge(case_of(found.on), fault=behaviour, among=frozenset(found.shown))
    violated = {row: each for row, each in judged.violated().items() if row != AGGREGATE}
    # What is warned of here may be left open by the sum of all scenarios.
    left_open = {row for row, each in found.hides.items() if each in UNDETERMINED}
    assert violated.keys() <= found.violates.keys() | left_open
    missing = {row for row, grade in found.violates.items() if violated.get(row) != grade}
    assert missing <= OF_EVERY_RUN
    assert found.breaks not in missing or not found.shown


@pytest.mark.parametrize(("number", "identifier"), list(enumerate((REFERENCE, *eccentrics()))))
def test_a_legal_server_is_not_failed_by_a_sample_of_the_scenarios(
    number: int, identifier: str
) -> None:
    names = [each.id for each in scenarios()]
    judged = judge(case_of(identifier), among=frozenset(names[number % SAMPLED :: SAMPLED]))
    warned = eccentrics()[identifier].warns if identifier else frozenset()
    assert judged.violated().items() <= dict.fromkeys(warned, "warn").items()
    assert not {"error", "inconclusive"} & set(judged.requirements.values())


SPARED = ("parts-only-once", "finals-without-offset")


@pytest.mark.parametrize("identifier", SPARED)
def test_what_a_fault_leaves_alone_comes_out_the_same_when_told_again(identifier: str) -> None:
    behaviour = faults()[identifier].behaviour
    some = frozenset(each.id for each in scenarios() if each.extension == "concatenation")
    _, known = get_to_know(Case(), among=some)
    spared, told = (judge(Case(), each, fault=behaviour, among=some) for each in (known, None))
    assert spared.requirements == told.requirements
    assert spared.scenarios == told.scenarios


def test_judging_leaves_the_log_as_it_was() -> None:
    logger = logging.getLogger("tus_reference")
    before = logger.level
    judge(Case(), among=frozenset({"core.options.version"}))
    assert logger.level == before
