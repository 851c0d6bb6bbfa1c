"""Judging one answer: which condition it meets, and what it weighs where it meets none."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpcore
import msgspec
import pytest
from in_memory import Answer, Closes, Says, Stays, script, session, story

from tus_conformance.dialogue.content import Generated, read
from tus_conformance.dialogue.references import References
from tus_conformance.dialogue.reply import Reply
from tus_conformance.dialogue.session import Session
from tus_conformance.dialogue.stopping import Stopped
from tus_conformance.dialogue.uploads import Upload
from tus_conformance.judging.judgement import holds, judge
from tus_conformance.telling.replay import replay
from tus_conformance.wire import Answer as Heard
from tus_conformance.wire import Failure, Outgoing, Wire
from tus_reports import Attempt
from tus_scenarios import Condition, Expectation

MUST, SHOULD, OPEN = (
    "core.head.upload-offset",
    "core.patch.content-type-415",
    "core.tus-resumable.missing",
)
TWO = '["core.head.upload-offset", "core.patch.content-type-415"]'


def ok(**headers: str) -> Says:
    """Return a 200 with headers, "_" in their names standing for "-"."""
    return Says(200, {name.replace("_", "-"): value for name, value in headers.items()})


async def judged(expectation: str, answer: Answer) -> Attempt:
    """Replay one OPTIONS against one answer."""
    answering, heard = script(answer)
    async with session(answering, patience=0.05) as here:
        told = await replay(story(f"{{ options = {{}}, expect = [{{ {expectation} }}] }}"), here)
    assert len(heard) == 1
    return told


def said(attempt: Attempt) -> list[str]:
    """Return the checks of an attempt, each as "outcome grade"."""
    return [" ".join(filter(None, (each.outcome, each.grade))) for each in attempt.checks]


def expecting(conditions: str, row: str = MUST) -> str:
    """Return an expectation of one row in TOML."""
    return f'{conditions}, checks = "{row}"'


GRADED = (
    'status = 204, warn = [{ status = [200, 201] }], note = [{ status = "2xx" }],'
    ' fail = [{ status = "4xx" }], otherwise = "note"'
)

GRADES: list[tuple[str, Answer, str, str]] = [
    (expecting("status = 204"), Says(204), "held pass", "the status that was asked for"),
    (expecting("status = 204"), Says(200), "violated fail", "a MUST that is not met"),
    (expecting("status = 204", SHOULD), Says(200), "violated warn", "a SHOULD that is not met"),
    (expecting("status = 204", OPEN), Says(200), "held note", "an open row that goes otherwise"),
    (expecting('status = 204, otherwise = "warn"'), Says(200), "violated warn", "as it states"),
    (expecting('status = 204, otherwise = "fail"', OPEN), Says(200), "violated fail", "even up"),
    (expecting('status = ["2xx", 409]'), Says(409), "held pass", "one of several statuses"),
    (expecting('status = ["2xx", 409]'), Says(404), "violated fail", "none of several statuses"),
    (expecting(GRADED), Says(204), "held pass", "the first alternative"),
    (expecting(GRADED), Says(201), "violated warn", "the second"),
    (expecting(GRADED), Says(202), "held note", "the third"),
    (expecting(GRADED), Says(404), "violated fail", "the fourth"),
    (expecting(GRADED), Says(302), "held note", "none of them"),
    (expecting(GRADED), Says(500), "violated fail", "an unforeseen 5xx fails in any row"),
    (expecting("status = 204", OPEN), Says(503), "violated fail", "in an open one too"),
    (expecting("status = 204", OPEN), Says(501), "held note", "but 501 is an honest no"),
    (expecting('status = 204, otherwise = "warn"'), Says(501), "violated warn", "as it states"),
    (
        expecting('status = 204, warn = [{ status = "5xx" }]'),
        Says(500),
        "violated warn",
        "a 5xx that is foreseen weighs what is stated",
    ),
    (
        expecting('header.Upload-Offset = "40"'),
        ok(Upload_Offset="0040"),
        "held pass",
        "zeros before a number do not change it",
    ),
    (
        expecting('header.Upload-Length = "40"'),
        ok(Upload_Length="0040"),
        "held pass",
        "nor do they change a length",
    ),
    (
        expecting('header.Tus-Max-Size = "40"'),
        ok(Tus_Max_Size="0040"),
        "held pass",
        "or a limit",
    ),
    (
        expecting('header.Upload-Offset = "40"'),
        ok(Upload_Offset="0x28"),
        "violated fail",
        "another spelling does",
    ),
    (expecting("header.X = true"), ok(X="1"), "held pass", "a header that is there"),
    (expecting("header.X = true"), ok(), "violated fail", "one that is not"),
    (expecting("header.X = false"), ok(), "held pass", "a header that must not be there"),
    (expecting("header.X = false"), ok(X=""), "violated fail", "and is, though empty"),
    (expecting('header.X = "5"'), ok(X="5"), "held pass", "a value byte for byte"),
    (expecting('header.X = "5"'), ok(X="05"), "violated fail", "another value"),
    (expecting("header.X = 5"), ok(X="5"), "held pass", "a value written as a number"),
    (expecting("header.X = { least = 4 }"), ok(X="5"), "held pass", "a matcher"),
    (expecting("header.X = { least = 6 }"), ok(X="5"), "violated fail", "a matcher not met"),
    (
        expecting("header.X = { differs = '5' }"),
        ok(),
        "violated fail",
        "nothing differs in nothing",
    ),
    (expecting("header.X = [false, '5']"), ok(), "held pass", "absent or 5: absent"),
    (expecting("header.X = [false, '5']"), ok(X="5"), "held pass", "absent or 5: 5"),
    (expecting("header.X = [false, '5']"), ok(X="6"), "violated fail", "absent or 5: 6"),
    (expecting("status = 200, header.X = true"), ok(), "violated fail", "both parts count"),
    (
        expecting("header = { X = true, Y = true }"),
        ok(X="1"),
        "violated fail",
        "every header of a condition counts",
    ),
    (expecting("interim = 100"), ok(), "violated fail", "a 1xx that did not come"),
    (
        expecting("when.status = 200, header.X = true"),
        ok(X="1"),
        "held pass",
        "a condition that holds lets judge",
    ),
    (
        expecting("when.status = 200, header.X = true"),
        Says(404),
        "not-reached",
        "one that does not keeps from it",
    ),
    (
        expecting("when.status = 200, header.X = true"),
        Says(500),
        "not-reached",
        "even from a 5xx, which other expectations see",
    ),
    (
        expecting('header.X = "{gone.X}"').replace("{gone.X}", "{upload}"),
        ok(X="5"),
        "not-reached",
        "a value to compare with that does not exist",
    ),
    (
        expecting("header.Location = { form = 'same-origin' }"),
        Says(201, {"Location": "1"}),
        "held pass",
        "a URL is resolved against that of the request",
    ),
    (
        expecting("header.Location = { form = 'same-origin' }"),
        Says(201, {"Location": "//other/1"}),
        "violated fail",
        "and may lead elsewhere",
    ),
    (expecting("status = 204", OPEN), Closes(), "violated fail", "success was due, nothing came"),
    (expecting('status = "2xx"', OPEN), Closes(), "violated fail", "any success was due"),
    (
        expecting('status = ["2xx", 204]', OPEN),
        Closes(),
        "violated fail",
        "one of several successes was due",
    ),
    (expecting('status = "4xx"', OPEN), Closes(), "held note", "an error was due, nothing came"),
    (expecting('status = "4xx"', SHOULD), Closes(), "violated warn", "as the level says"),
    (
        expecting('status = 400, note = [{ status = "2xx" }]', OPEN),
        Closes(),
        "held note",
        "leniency is not what was due",
    ),
    (
        expecting('status = ["2xx", "4xx"]', OPEN),
        Closes(),
        "held note",
        "where a refusal is as good, no success was due",
    ),
    (expecting("closed = true", OPEN), Closes(), "held pass", "closing may be what is asked for"),
    (
        expecting("status = 204, warn = [{ closed = true }]"),
        Closes(),
        "violated warn",
        "or be foreseen",
    ),
    (expecting("closed = false, status = 200"), ok(), "held pass", "an answer is no closing"),
    (expecting("header.X = true"), Closes(), "violated fail", "a header that was due did not come"),
    (
        expecting("header.X = false"),
        Closes(),
        "not-reached",
        "what must not be in an answer cannot be seen without one",
    ),
    (
        expecting('header.X = [false, { form = "metadata" }]'),
        Closes(),
        "not-reached",
        "nor can what may be there or not",
    ),
]


@pytest.mark.parametrize(
    ("expectation", "answer", "found"), [pytest.param(*case[:3], id=case[3]) for case in GRADES]
)
async def test_an_answer_is_graded(expectation: str, answer: Answer, found: str) -> None:
    assert said(await judged(expectation, answer)) == [found]


async def test_what_was_not_reached_is_told_with_its_step() -> None:
    told = await judged(f"when.status = 200, status = 204, checks = {TWO}", Says(404))
    assert [(check.requirement, check.outcome, check.step) for check in told.checks] == [
        (MUST, "not-reached", 1),
        (SHOULD, "not-reached", 1),
    ]


AFTER = [
    (Says(404), "4xx", "held pass"),
    (Says(204), "4xx", "not-reached"),
    (Closes(), "4xx", "not-reached"),
]


@pytest.mark.parametrize(("first", "wanted", "found"), AFTER)
async def test_what_an_earlier_answer_was_can_decide_whether_a_later_one_is_judged(
    first: Answer, wanted: str, found: str
) -> None:
    answering, _heard = script(first, ok())
    asked = f'after.first.status = "{wanted}", status = 200, checks = "{MUST}"'
    steps = f'{{ options = {{}}, name = "first" }}, {{ options = {{}}, expect = [{{ {asked} }}] }}'
    async with session(answering) as here:
        told = await replay(story(steps), here)
    assert said(told) == [found]
    if found == "not-reached":
        came = "no answer" if isinstance(first, Closes) else "status 204"
        assert told.checks[0].says == f"'first' got {came}"


BOUNDS: list[tuple[str, str, str]] = [
    ("least", "5", "held pass"),
    ("least", "4", "violated fail"),
    ("most", "5", "held pass"),
    ("most", "6", "violated fail"),
    ("equals", "5", "held pass"),
    ("differs", "5", "violated fail"),
]


@pytest.mark.parametrize(("question", "value", "found"), BOUNDS)
async def test_a_matcher_can_ask_for_what_an_earlier_answer_said(
    question: str, value: str, found: str
) -> None:
    answering, _heard = script(ok(Upload_Offset="5"), ok(Upload_Offset=value))
    asked = f'{{ form = "integer", {question} = "{{first.Upload-Offset}}" }}'
    second = (
        f'{{ options = {{}}, expect = [{{ header.Upload-Offset = {asked}, checks = "{MUST}" }}] }}'
    )
    async with session(answering) as here:
        told = await replay(story(f'{{ options = {{}}, name = "first" }}, {second}'), here)
    assert said(told) == [found]


async def test_a_condition_can_refer_to_what_an_earlier_answer_said() -> None:
    answering, _heard = script(ok(Upload_Offset="5"), ok(Upload_Offset="5"))
    when = 'when.header.Upload-Offset = { equals = "{first.Upload-Offset}" }'
    second = f"{{ options = {{}}, expect = [{{ {expecting(when + ', status = 200')} }}] }}"
    async with session(answering) as here:
        told = await replay(story(f'{{ options = {{}}, name = "first" }}, {second}'), here)
    assert said(told) == ["held pass"]


CONTENT = Generated("seed:scenario:1:upload")
HELD = Upload("upload", "http://tus.test/files/1", CONTENT, length=20)

BODIES: list[tuple[bytes, Upload | None, bool, str]] = [
    (read(CONTENT, 5, 15), HELD, True, "the very bytes"),
    (read(CONTENT, 5, 14), HELD, False, "a byte too few"),
    (read(CONTENT, 0, 10), HELD, False, "other bytes of the upload"),
    (b"", None, False, "an answer about no upload"),
]


@pytest.mark.parametrize(
    ("body", "upload", "held"), [pytest.param(*case[:3], id=case[3]) for case in BODIES]
)
async def test_a_body_is_held_against_the_content_of_its_upload(
    body: bytes, upload: Upload | None, held: bool
) -> None:
    async with session(script(ok())[0]) as here:
        answer = await here.wire.send(Outgoing("GET", HELD.url))
        reply = Reply(replace(answer, body=body), "GET", HELD.url, 0, upload)
        found = holds(Condition(content=(5, 15)), reply, References(here, {}, {}, {}))
    assert found is held


async def test_each_requirement_of_an_expectation_weighs_by_its_own_level() -> None:
    told = await judged(f"status = 204, checks = {TWO}", Says(200))
    assert said(told) == ["violated fail", "violated warn"]


async def test_a_check_says_what_was_expected_and_what_came() -> None:
    told = await judged(
        'status = 204, header.Upload-Offset = "5", checks = "core.head.upload-offset",'
        ' warn = [{ status = 200, says = "the wrong success" }]',
        Says(200, {"Upload-Offset": "6", "X-Other": "1"}),
    )
    check = told.checks[0]
    assert (check.step, check.exchange, check.says) == (1, 0, "the wrong success")
    assert "204" in check.expected
    assert "5" in check.expected
    assert check.actual == "status 200, Upload-Offset: 6"
    assert check.evidence == "HTTP/1.1 200 Said\nUpload-Offset: 6"


async def test_the_evidence_holds_the_whole_lines_that_decide() -> None:
    location = "http://other.test:1080/1"
    answer = Says(201, {"Location": location, "X-Location": "1"})
    told = await judged(expecting("header.Location = { form = 'same-origin' }"), answer)
    assert told.checks[0].evidence == f"HTTP/1.1 201 Said\nLocation: {location}"


SILENT = Failure("timeout", "Nothing came.")
REFUSED = Failure("closed", "The connection was closed.")

# An expectation and its row, what the reply is, whether the server was asked again and again, and
# the check's outcome and grade, what it says it saw, and whether bytes were wrong.
WEIGHED: list[tuple[Expectation, dict[str, Any], bool, tuple[object, ...], str]] = [
    (
        Expectation(status=204, checks=MUST),
        {"failure": SILENT},
        True,
        ("violated", "fail", "Nothing came.", False),
        "silence is judged where the server was asked again and again",
    ),
    (
        Expectation(status=204, checks=MUST),
        {},
        False,
        ("violated", "fail", "no answer", False),
        "nothing at all",
    ),
    (
        Expectation(intact=True, checks=OPEN),
        {"intact": True, "story": "All right.", "failure": SILENT},
        False,
        ("held", "pass", "All right.", False),
        "an upload that is whole, though an answer was lost",
    ),
    (
        Expectation(intact=True, checks=OPEN),
        {"intact": False, "damage": True, "story": "Byte 7 is wrong.", "failure": SILENT},
        False,
        ("violated", "fail", "Byte 7 is wrong.", True),
        "wrong bytes in any row, though an answer was lost",
    ),
    (
        Expectation(intact=True, checks=OPEN),
        {"intact": False, "story": "It closed.", "failure": REFUSED, "closed": True},
        False,
        ("violated", "fail", "It closed.", False),
        "a connection that closes while an upload is resumed",
    ),
    (
        Expectation(intact=True, checks=OPEN),
        {"intact": False, "story": "It said 404."},
        False,
        ("held", "note", "It said 404.", False),
        "a refusal to resume in an open row",
    ),
]


async def reply(
    *, failure: Failure | None = None, closed: bool = False, **more: Any
) -> tuple[Reply, References]:
    """Return a reply to a GET that nothing came back for, and what its texts may refer to."""
    async with session(script(ok())[0]) as here:
        came = await here.wire.send(Outgoing("GET", HELD.url))
    exchange = msgspec.structs.replace(came.exchange, response=None)
    nothing = Heard(exchange=exchange, closed=closed, failure=failure)
    return Reply(nothing, "GET", HELD.url, 0, **more), References(here, {}, {}, {})


@pytest.mark.parametrize(
    ("expectation", "came", "patiently", "found"),
    [pytest.param(*case[:4], id=case[4]) for case in WEIGHED],
)
async def test_what_is_no_answer_is_weighed(
    expectation: Expectation, came: dict[str, Any], patiently: bool, found: tuple[object, ...]
) -> None:
    (check,) = judge(expectation, *await reply(**came), 1, patiently=patiently)
    assert (check.outcome, check.grade, check.actual, check.damage) == found
    assert check.evidence == ""


@pytest.mark.parametrize(
    ("kind", "verdict"),
    [("timeout", "inconclusive"), ("unreachable", "error"), ("tls", "error")],
)
async def test_what_says_nothing_of_the_server_stops_the_story(kind: Any, verdict: str) -> None:
    came = await reply(failure=Failure(kind, "So it is."))
    with pytest.raises(Stopped, match=r"So it is\.") as stopped:
        judge(Expectation(status=204, checks=MUST), *came, 1)
    assert stopped.value.verdict == verdict


async def test_what_could_not_be_broken_is_not_reached_and_says_what_came() -> None:
    came = await reply(failure=REFUSED, closed=True)
    expectation = Expectation(header={"X": False}, checks=(MUST, SHOULD))
    checks = judge(expectation, *came, 3)
    assert [(check.requirement, check.says, check.step) for check in checks] == [
        (MUST, "The connection was closed.", 3),
        (SHOULD, "The connection was closed.", 3),
    ]


async def test_a_header_that_is_missing_is_named() -> None:
    told = await judged('header.Upload-Offset = "5", checks = "core.head.upload-offset"', ok())
    assert told.checks[0].actual == "status 200, no Upload-Offset"


async def test_silence_leaves_it_open() -> None:
    told = await judged(expecting("status = 204"), Stays())
    assert (told.verdict, said(told)) == ("inconclusive", ["not-reached"])
    assert "0.05 seconds" in told.reason


async def test_silence_is_judged_where_closing_is_what_is_asked_for() -> None:
    told = await judged(expecting('closed = true, otherwise = "warn"'), Stays())
    assert said(told) == ["violated warn"]


class Nobody(httpcore.AsyncNetworkBackend):
    """A network in which nobody listens."""

    async def connect_tcp(self, *place: Any, **more: Any) -> httpcore.AsyncNetworkStream:
        raise httpcore.ConnectError("refused")


async def test_a_server_that_cannot_be_reached_is_an_error_and_never_a_fail() -> None:
    async with session(script()[0]) as here:
        wire = Wire(backend=Nobody())
        nowhere = Session(target=here.target, wire=wire, discovery=here.discovery)
        expectation = f"{{ {expecting('status = 204')} }}"
        told = await replay(story(f"{{ options = {{}}, expect = [{expectation}] }}"), nowhere)
    assert (told.verdict, said(told)) == ("error", ["not-reached"])
    assert told.reason.startswith("No connection to ")


def test_the_rows_that_the_tests_lean_on_have_the_levels_they_think() -> None:
    from tus_scenarios import ledger

    assert [ledger()[row].level for row in (MUST, SHOULD, OPEN)] == [
        "MUST",
        "SHOULD",
        "UNSPECIFIED",
    ]


async def test_a_reference_to_nothing_leaves_its_expectation_open_and_the_story_goes_on() -> None:
    """The answer to the first step lacks the header that the second is compared with."""
    answering, _heard = script(ok(), ok())
    first = '{ options = {}, name = "first" }'
    second = (
        "{ options = {}, expect = ["
        f'{{ header.Upload-Expires = "{{first.Upload-Expires}}", checks = "{MUST}" }},'
        f'{{ status = 200, checks = "{SHOULD}" }}] }}'
    )
    async with session(answering) as here:
        told = await replay(story(f"{first}, {second}"), here)
    assert (said(told), told.reason) == (["not-reached", "held pass"], "")
    assert told.checks[0].says == "the answer to 'first' has no Upload-Expires"
    assert told.checks[0].step == 2


CLOSED = "a valid request whose connection closes unanswered is a fail in any row"
REMARKS: list[tuple[str, Answer, list[str], str]] = [
    ("", Says(204), [""], "of a pass there is nothing to say"),
    ("", Says(201), ["as graded"], "an alternative speaks for itself"),
    ("", Says(400), ["unmet"], "what is none of them has the words of the expectation"),
    ("", Says(500), [""], "a server that breaks is none of the cases that are spoken of"),
    ("", Closes(), [CLOSED], "nor is one that does not answer, which is a fail in any row"),
    ("when.status = 204, ", Says(400), ["status 400 came instead"], "what was not reached"),
]


@pytest.mark.parametrize(
    ("when", "answer", "remarks"), [pytest.param(*case[:3], id=case[3]) for case in REMARKS]
)
async def test_an_outcome_is_told_with_what_it_means(
    when: str, answer: Answer, remarks: list[str]
) -> None:
    graded = 'status = 204, says = "unmet", warn = [{ status = 201, says = "as graded" }]'
    told = await judged(expecting(when + graded), answer)
    assert [check.says for check in told.checks] == remarks
