"""`evaluation.expectations`: which condition a response meets, and the grade if it meets none."""

from __future__ import annotations

from typing import Any

import httpcore
import msgspec
import pytest
from one_response import (
    MUST,
    OPEN,
    SHOULD,
    TWO,
    check_grades,
    evaluate_options,
    expectation_from,
    ok,
)
from scripted_server import (
    CloseWithoutReply,
    KeepOpen,
    ScriptedAnswer,
    ScriptedResponse,
    open_session,
    scenario_from_toml,
    script_answers,
)

from tus_conformance.evaluation import verdicts
from tus_conformance.evaluation.expectations import evaluate_expectation
from tus_conformance.execution.steps import execute_scenario
from tus_conformance.state.early_exit import StopScenario
from tus_conformance.state.references import References
from tus_conformance.state.session import Session
from tus_conformance.state.step_response import StepResponse
from tus_conformance.transport import Http1Transport, HttpRequest, NetworkFailure
from tus_conformance.transport import HttpResponse as Heard
from tus_scenarios import Expectation

GRADED = (
    'status = 204, warn = [{ status = [200, 201] }], note = [{ status = "2xx" }],'
    ' fail = [{ status = "4xx" }], otherwise = "note"'
)

GRADES: list[tuple[str, ScriptedAnswer, str, str]] = [
    (
        expectation_from("status = 204"),
        ScriptedResponse(204),
        "held pass",
        "the status that was asked for",
    ),
    (
        expectation_from("status = 204"),
        ScriptedResponse(200),
        "violated fail",
        "a MUST that is not met",
    ),
    (
        expectation_from("status = 204", SHOULD),
        ScriptedResponse(200),
        "violated warn",
        "a SHOULD that is not met",
    ),
    (
        expectation_from("status = 204", OPEN),
        ScriptedResponse(200),
        "held note",
        "an open row that goes otherwise",
    ),
    (
        expectation_from('status = 204, otherwise = "warn"'),
        ScriptedResponse(200),
        "violated warn",
        "as it states",
    ),
    (
        expectation_from('status = 204, otherwise = "fail"', OPEN),
        ScriptedResponse(200),
        "violated fail",
        "even up",
    ),
    (
        expectation_from('status = ["2xx", 409]'),
        ScriptedResponse(409),
        "held pass",
        "one of several statuses",
    ),
    (
        expectation_from('status = ["2xx", 409]'),
        ScriptedResponse(404),
        "violated fail",
        "none of several statuses",
    ),
    (expectation_from(GRADED), ScriptedResponse(204), "held pass", "the first alternative"),
    (expectation_from(GRADED), ScriptedResponse(201), "violated warn", "the second"),
    (expectation_from(GRADED), ScriptedResponse(202), "held note", "the third"),
    (expectation_from(GRADED), ScriptedResponse(404), "violated fail", "the fourth"),
    (expectation_from(GRADED), ScriptedResponse(302), "held note", "none of them"),
    (
        expectation_from(GRADED),
        ScriptedResponse(500),
        "violated fail",
        "an unforeseen 5xx fails in any row",
    ),
    (
        expectation_from("status = 204", OPEN),
        ScriptedResponse(503),
        "violated fail",
        "in an open one too",
    ),
    (
        expectation_from("status = 204", OPEN),
        ScriptedResponse(501),
        "held note",
        "but 501 is an honest no",
    ),
    (
        expectation_from('status = 204, otherwise = "warn"'),
        ScriptedResponse(501),
        "violated warn",
        "as it states",
    ),
    (
        expectation_from('status = 204, warn = [{ status = "5xx" }]'),
        ScriptedResponse(500),
        "violated warn",
        "a 5xx that is foreseen weighs what is stated",
    ),
    (expectation_from("interim = 100"), ok(), "violated fail", "a 1xx that did not come"),
    (
        expectation_from("when.status = 200, header.X = true"),
        ok(X="1"),
        "held pass",
        "a condition that holds lets judge",
    ),
    (
        expectation_from("when.status = 200, header.X = true"),
        ScriptedResponse(404),
        "not-reached",
        "one that does not keeps from it",
    ),
    (
        expectation_from("when.status = 200, header.X = true"),
        ScriptedResponse(500),
        "not-reached",
        "of OPTIONS a server error is charged to its own rows",
    ),
    (
        expectation_from('header.X = "{gone.X}"').replace("{gone.X}", "{upload}"),
        ok(X="5"),
        "not-reached",
        "a value to compare with that does not exist",
    ),
    (
        expectation_from("status = 204", OPEN),
        CloseWithoutReply(),
        "violated fail",
        "success was due, nothing came",
    ),
    (
        expectation_from('status = "2xx"', OPEN),
        CloseWithoutReply(),
        "violated fail",
        "any success was due",
    ),
    (
        expectation_from('status = ["2xx", 204]', OPEN),
        CloseWithoutReply(),
        "violated fail",
        "one of several successes was due",
    ),
    (
        expectation_from('status = "4xx"', OPEN),
        CloseWithoutReply(),
        "held note",
        "an error was due, nothing came",
    ),
    (
        expectation_from('status = "4xx"', SHOULD),
        CloseWithoutReply(),
        "violated warn",
        "as the level says",
    ),
    (
        expectation_from('status = 400, note = [{ status = "2xx" }]', OPEN),
        CloseWithoutReply(),
        "held note",
        "leniency is not what was due",
    ),
    (
        expectation_from('status = ["2xx", "4xx"]', OPEN),
        CloseWithoutReply(),
        "held note",
        "where a refusal is as good, no success was due",
    ),
    (
        expectation_from("closed = true", OPEN),
        CloseWithoutReply(),
        "held pass",
        "closing may be what is asked for",
    ),
    (
        expectation_from("status = 204, warn = [{ closed = true }]"),
        CloseWithoutReply(),
        "violated warn",
        "or be foreseen",
    ),
    (
        expectation_from("closed = false, status = 200"),
        ok(),
        "held pass",
        "an answer is no closing",
    ),
    (
        expectation_from("header.X = true"),
        CloseWithoutReply(),
        "violated fail",
        "a header that was due did not come",
    ),
    (
        expectation_from("header.X = false"),
        CloseWithoutReply(),
        "not-reached",
        "what must not be in an answer cannot be seen without one",
    ),
    (
        expectation_from('header.X = [false, { form = "metadata" }]'),
        CloseWithoutReply(),
        "not-reached",
        "nor can what may be there or not",
    ),
]


@pytest.mark.parametrize(
    ("expectation", "answer", "found"), [pytest.param(*case[:3], id=case[3]) for case in GRADES]
)
async def test_an_answer_is_graded(expectation: str, answer: ScriptedAnswer, found: str) -> None:
    assert check_grades(await evaluate_options(expectation, answer)) == [found]


async def test_what_was_not_reached_is_reported_with_its_step() -> None:
    told = await evaluate_options(
        f"when.status = 200, status = 204, checks = {TWO}", ScriptedResponse(404)
    )
    assert [(check.requirement, check.outcome, check.step) for check in told.checks] == [
        (MUST, "not-reached", 1),
        (SHOULD, "not-reached", 1),
    ]


AFTER = [
    (ScriptedResponse(404), "4xx", "held pass"),
    (ScriptedResponse(204), "4xx", "not-reached"),
    (CloseWithoutReply(), "4xx", "not-reached"),
]


@pytest.mark.parametrize(("first", "wanted", "found"), AFTER)
async def test_an_earlier_response_can_decide_whether_a_later_one_is_evaluated(
    first: ScriptedAnswer, wanted: str, found: str
) -> None:
    answering, _heard = script_answers(first, ok())
    asked = f'after.first.status = "{wanted}", status = 200, checks = "{MUST}"'
    steps = f'{{ options = {{}}, name = "first" }}, {{ options = {{}}, expect = [{{ {asked} }}] }}'
    async with open_session(answering) as here:
        told = await execute_scenario(scenario_from_toml(steps), here)
    assert check_grades(told) == [found]
    if found == "not-reached":
        came = "no response" if isinstance(first, CloseWithoutReply) else "status 204"
        assert told.checks[0].explanation == f"'first' got {came}"


async def test_a_condition_can_refer_to_an_earlier_response() -> None:
    answering, _heard = script_answers(ok(Upload_Offset="5"), ok(Upload_Offset="5"))
    when = 'when.header.Upload-Offset = { equals = "{first.Upload-Offset}" }'
    second = f"{{ options = {{}}, expect = [{{ {expectation_from(when + ', status = 200')} }}] }}"
    async with open_session(answering) as here:
        told = await execute_scenario(
            scenario_from_toml(f'{{ options = {{}}, name = "first" }}, {second}'), here
        )
    assert check_grades(told) == ["held pass"]


@pytest.mark.parametrize(
    ("first", "shown"),
    [(ok(Tus_Version="1.0.0"), "1.0.0"), (ok(), "none")],
    ids=["another value", "no value"],
)
async def test_what_an_earlier_response_had_is_shown_where_it_is_compared(
    first: ScriptedAnswer, shown: str
) -> None:
    answering, _heard = script_answers(first, ok(Tus_Version="2.0.0"))
    asked = expectation_from('header.Tus-Version = { same = "first" }')
    second = f"{{ options = {{}}, expect = [{{ {asked} }}] }}"
    async with open_session(answering) as here:
        told = await execute_scenario(
            scenario_from_toml(f'{{ options = {{}}, name = "first" }}, {second}'), here
        )
    assert check_grades(told) == ["violated fail"]
    assert told.checks[0].actual.endswith(f"Tus-Version: 2.0.0 ('first' had {shown})")


URL = "http://tus.test/files/1"


async def test_each_requirement_of_an_expectation_weighs_by_its_own_level() -> None:
    told = await evaluate_options(f"status = 204, checks = {TWO}", ScriptedResponse(200))
    assert check_grades(told) == ["violated fail", "violated warn"]


async def test_a_check_says_what_was_expected_and_what_came() -> None:
    told = await evaluate_options(
        'status = 204, header.Upload-Offset = "5", checks = "core.head.upload-offset",'
        ' warn = [{ status = 200, says = "the wrong success" }]',
        ScriptedResponse(200, {"Upload-Offset": "6", "X-Other": "1"}),
    )
    check = told.checks[0]
    assert (check.step, check.exchange, check.explanation) == (1, 0, "the wrong success")
    assert "204" in check.expected
    assert "5" in check.expected
    assert check.actual == "status 200, Upload-Offset: 6"
    assert check.evidence == "HTTP/1.1 200 Said\nUpload-Offset: 6"


async def test_the_evidence_holds_the_whole_lines_that_decide() -> None:
    location = "http://other.test:1080/1"
    answer = ScriptedResponse(201, {"Location": location, "X-Location": "1"})
    told = await evaluate_options(
        expectation_from("header.Location = { form = 'same-origin' }"), answer
    )
    assert told.checks[0].evidence == f"HTTP/1.1 201 Said\nLocation: {location}"


SILENT = NetworkFailure("timeout", "Nothing came.")
REFUSED = NetworkFailure("closed", "The connection was closed.")

# An expectation and its row, what the reply is, whether the server was asked again and again, and
# the check's outcome and grade, what it says it saw, and the rule that decided.
WEIGHED: list[tuple[Expectation, dict[str, Any], bool, tuple[object, ...], str]] = [
    (
        Expectation(status=204, checks=MUST),
        {"failure": SILENT},
        True,
        ("violated", "fail", "Nothing came.", "level"),
        "silence is judged where the server was asked again and again",
    ),
    (
        Expectation(status=204, checks=MUST),
        {},
        False,
        ("violated", "fail", "no response", "level"),
        "nothing at all",
    ),
    (
        Expectation(intact=True, checks=OPEN),
        {"finish_state": "verified", "finding": "All right.", "failure": SILENT},
        False,
        ("held", "pass", "All right.", "expectation"),
        "an upload that is whole, though an answer was lost",
    ),
    (
        Expectation(intact=True, checks=OPEN),
        {"finish_state": "wrong-byte", "finding": "Byte 7 is wrong.", "failure": SILENT},
        False,
        ("violated", "fail", "Byte 7 is wrong.", "data-loss"),
        "wrong bytes in any row, though an answer was lost",
    ),
    (
        Expectation(intact=True, checks=OPEN),
        {"finish_state": "unfinished", "finding": "It closed.", "failure": REFUSED, "closed": True},
        False,
        ("violated", "fail", "It closed.", "unanswered"),
        "a connection that closes while an upload is resumed",
    ),
    (
        Expectation(intact=True, checks=OPEN),
        {"finish_state": "unfinished", "finding": "It said 404."},
        False,
        ("held", "note", "It said 404.", "level"),
        "a refusal to resume in an open row",
    ),
]


async def reply(
    *, failure: NetworkFailure | None = None, closed: bool = False, **more: Any
) -> tuple[StepResponse, References]:
    """Return a reply to a GET that nothing came back for, and what its texts may refer to."""
    async with open_session(script_answers(ok())[0]) as here:
        came = await here.transport.send(HttpRequest("GET", URL))
    exchange = msgspec.structs.replace(came.exchange, response=None)
    nothing = Heard(exchange=exchange, closed=closed, failure=failure)
    return StepResponse(nothing, "GET", URL, 0, **more), References(here, {}, {}, {})


@pytest.mark.parametrize(
    ("expectation", "came", "after_waiting", "found"),
    [pytest.param(*case[:4], id=case[4]) for case in WEIGHED],
)
async def test_what_is_no_answer_is_weighed(
    expectation: Expectation, came: dict[str, Any], after_waiting: bool, found: tuple[object, ...]
) -> None:
    (check,) = evaluate_expectation(
        expectation, *await reply(**came), 1, after_waiting=after_waiting
    )
    assert (check.outcome, check.grade, check.actual, check.rule) == found
    assert check.evidence == ""


@pytest.mark.parametrize(
    ("kind", "verdict"),
    [("timeout", "inconclusive"), ("unreachable", "error"), ("tls", "error")],
)
async def test_a_failure_outside_the_server_stops_the_scenario(kind: Any, verdict: str) -> None:
    came = await reply(failure=NetworkFailure(kind, "So it is."))
    with pytest.raises(StopScenario, match=r"So it is\.") as stopped:
        evaluate_expectation(Expectation(status=204, checks=MUST), *came, 1)
    assert verdicts.of_stop(stopped.value.cause) == verdict


async def test_what_could_not_be_broken_is_not_reached_and_says_what_came() -> None:
    came = await reply(failure=REFUSED, closed=True)
    expectation = Expectation(header={"X": False}, checks=(MUST, SHOULD))
    checks = evaluate_expectation(expectation, *came, 3)
    assert [(check.requirement, check.explanation, check.step) for check in checks] == [
        (MUST, "The connection was closed.", 3),
        (SHOULD, "The connection was closed.", 3),
    ]


async def test_a_header_that_is_missing_is_named() -> None:
    told = await evaluate_options(
        'header.Upload-Offset = "5", checks = "core.head.upload-offset"', ok()
    )
    assert told.checks[0].actual == "status 200, no Upload-Offset"


async def test_silence_leaves_it_open() -> None:
    told = await evaluate_options(expectation_from("status = 204"), KeepOpen())
    assert (told.verdict, check_grades(told)) == ("inconclusive", ["not-reached"])
    assert "0.05 seconds" in told.reason


async def test_silence_is_evaluated_where_closing_is_expected() -> None:
    told = await evaluate_options(expectation_from('closed = true, otherwise = "warn"'), KeepOpen())
    assert check_grades(told) == ["violated warn"]


class RefusingNetwork(httpcore.AsyncNetworkBackend):
    """A network in which nobody listens."""

    async def connect_tcp(self, *place: Any, **more: Any) -> httpcore.AsyncNetworkStream:
        raise httpcore.ConnectError("refused")


async def test_a_server_that_cannot_be_reached_is_an_error_and_never_a_fail() -> None:
    async with open_session(script_answers()[0]) as here:
        wire = Http1Transport(backend=RefusingNetwork())
        nowhere = Session(target=here.target, transport=wire, discovery=here.discovery)
        expectation = f"{{ {expectation_from('status = 204')} }}"
        told = await execute_scenario(
            scenario_from_toml(f"{{ options = {{}}, expect = [{expectation}] }}"), nowhere
        )
    assert (told.verdict, check_grades(told)) == ("error", ["not-reached"])
    assert told.reason.startswith("No connection to ")


def test_the_requirements_of_these_tests_have_the_assumed_levels() -> None:
    from tus_scenarios import ledger

    assert [ledger()[row].level for row in (MUST, SHOULD, OPEN)] == [
        "MUST",
        "SHOULD",
        "UNSPECIFIED",
    ]


async def test_an_undefined_reference_leaves_its_expectation_open_and_the_scenario_goes_on() -> (
    None
):
    """The answer to the first step lacks the header that the second is compared with."""
    answering, _heard = script_answers(ok(), ok())
    first = '{ options = {}, name = "first" }'
    second = (
        "{ options = {}, expect = ["
        f'{{ header.Upload-Expires = "{{first.Upload-Expires}}", checks = "{MUST}" }},'
        f'{{ status = 200, checks = "{SHOULD}" }}] }}'
    )
    async with open_session(answering) as here:
        told = await execute_scenario(scenario_from_toml(f"{first}, {second}"), here)
    assert (check_grades(told), told.reason) == (["not-reached", "held pass"], "")
    assert told.checks[0].explanation == "the response to 'first' has no Upload-Expires"
    assert told.checks[0].step == 2


REMARKS: list[tuple[str, ScriptedAnswer, list[str], str]] = [
    ("", ScriptedResponse(204), [""], "of a pass there is nothing to say"),
    ("", ScriptedResponse(201), ["as graded"], "an alternative speaks for itself"),
    ("", ScriptedResponse(400), ["unmet"], "what is none of them has the words of the expectation"),
    (
        "",
        ScriptedResponse(500),
        [""],
        "a server that breaks is none of the cases that are spoken of",
    ),
    (
        "",
        CloseWithoutReply(),
        [""],
        "nor is one that does not answer",
    ),
    (
        "when.status = 204, ",
        ScriptedResponse(400),
        ["status 400 arrived instead"],
        "what was not reached",
    ),
]


@pytest.mark.parametrize(
    ("when", "answer", "remarks"), [pytest.param(*case[:3], id=case[3]) for case in REMARKS]
)
async def test_an_outcome_is_reported_with_its_meaning(
    when: str, answer: ScriptedAnswer, remarks: list[str]
) -> None:
    graded = 'status = 204, says = "unmet", warn = [{ status = 201, says = "as graded" }]'
    told = await evaluate_options(expectation_from(when + graded), answer)
    assert [check.explanation for check in told.checks] == remarks
