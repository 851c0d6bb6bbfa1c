"""`evaluation.conditions`: headers by meaning, statuses, bodies by the content of an upload."""

from __future__ import annotations

from dataclasses import replace

import pytest
from one_response import MUST, check_grades, evaluate_options, expectation_from, ok
from scripted_server import (
    ScriptedAnswer,
    ScriptedResponse,
    open_session,
    scenario_from_toml,
    script_answers,
)

from tus_conformance.evaluation.conditions import meets
from tus_conformance.execution.steps import execute_scenario
from tus_conformance.state.content import GeneratedContent, read_content
from tus_conformance.state.references import References
from tus_conformance.state.step_response import StepResponse
from tus_conformance.state.upload import UploadState
from tus_conformance.transport import HttpRequest
from tus_scenarios import Condition

HEADERS: list[tuple[str, ScriptedAnswer, str, str]] = [
    (
        expectation_from('header.Upload-Offset = "40"'),
        ok(Upload_Offset="0040"),
        "held pass",
        "zeros before a number do not change it",
    ),
    (
        expectation_from('header.Upload-Length = "40"'),
        ok(Upload_Length="0040"),
        "held pass",
        "nor do they change a length",
    ),
    (
        expectation_from('header.Tus-Max-Size = "40"'),
        ok(Tus_Max_Size="0040"),
        "held pass",
        "or a limit",
    ),
    (
        expectation_from('header.Upload-Offset = "40"'),
        ok(Upload_Offset="0x28"),
        "violated fail",
        "another spelling does",
    ),
    (expectation_from("header.X = true"), ok(X="1"), "held pass", "a header that is there"),
    (expectation_from("header.X = true"), ok(), "violated fail", "one that is not"),
    (expectation_from("header.X = false"), ok(), "held pass", "a header that must not be there"),
    (expectation_from("header.X = false"), ok(X=""), "violated fail", "and is, though empty"),
    (expectation_from('header.X = "5"'), ok(X="5"), "held pass", "a value byte for byte"),
    (expectation_from('header.X = "5"'), ok(X="05"), "violated fail", "another value"),
    (expectation_from("header.X = 5"), ok(X="5"), "held pass", "a value written as a number"),
    (expectation_from("header.X = { least = 4 }"), ok(X="5"), "held pass", "a matcher"),
    (expectation_from("header.X = { least = 6 }"), ok(X="5"), "violated fail", "a matcher not met"),
    (
        expectation_from("header.X = { differs = '5' }"),
        ok(),
        "violated fail",
        "nothing differs in nothing",
    ),
    (expectation_from("header.X = [false, '5']"), ok(), "held pass", "absent or 5: absent"),
    (expectation_from("header.X = [false, '5']"), ok(X="5"), "held pass", "absent or 5: 5"),
    (expectation_from("header.X = [false, '5']"), ok(X="6"), "violated fail", "absent or 5: 6"),
    (expectation_from("status = 200, header.X = true"), ok(), "violated fail", "both parts count"),
    (
        expectation_from("header = { X = true, Y = true }"),
        ok(X="1"),
        "violated fail",
        "every header of a condition counts",
    ),
    (
        expectation_from("header.Location = { form = 'same-origin' }"),
        ScriptedResponse(201, {"Location": "1"}),
        "held pass",
        "a URL is resolved against that of the request",
    ),
    (
        expectation_from("header.Location = { form = 'same-origin' }"),
        ScriptedResponse(201, {"Location": "//other/1"}),
        "violated fail",
        "and may lead elsewhere",
    ),
]


@pytest.mark.parametrize(
    ("expectation", "answer", "found"), [pytest.param(*case[:3], id=case[3]) for case in HEADERS]
)
async def test_a_header_is_compared_by_its_meaning(
    expectation: str, answer: ScriptedAnswer, found: str
) -> None:
    assert check_grades(await evaluate_options(expectation, answer)) == [found]


BOUNDS: list[tuple[str, str, str]] = [
    ("least", "5", "held pass"),
    ("least", "4", "violated fail"),
    ("most", "5", "held pass"),
    ("most", "6", "violated fail"),
    ("equals", "5", "held pass"),
    ("differs", "5", "violated fail"),
]


@pytest.mark.parametrize(("question", "value", "found"), BOUNDS)
async def test_a_matcher_can_refer_to_an_earlier_response(
    question: str, value: str, found: str
) -> None:
    answering, _heard = script_answers(ok(Upload_Offset="5"), ok(Upload_Offset=value))
    asked = f'{{ form = "integer", {question} = "{{first.Upload-Offset}}" }}'
    second = (
        f'{{ options = {{}}, expect = [{{ header.Upload-Offset = {asked}, checks = "{MUST}" }}] }}'
    )
    async with open_session(answering) as here:
        told = await execute_scenario(
            scenario_from_toml(f'{{ options = {{}}, name = "first" }}, {second}'), here
        )
    assert check_grades(told) == [found]


CONTENT = GeneratedContent("seed:scenario:1:upload")
HELD = UploadState("upload", "http://tus.test/files/1", CONTENT, length=20)

BODIES: list[tuple[bytes, UploadState | None, bool, str]] = [
    (read_content(CONTENT, 5, 15), HELD, True, "the very bytes"),
    (read_content(CONTENT, 5, 14), HELD, False, "a byte too few"),
    (read_content(CONTENT, 0, 10), HELD, False, "other bytes of the upload"),
    (b"", None, False, "an answer about no upload"),
]


@pytest.mark.parametrize(
    ("body", "upload", "held"), [pytest.param(*case[:3], id=case[3]) for case in BODIES]
)
async def test_a_body_is_compared_with_the_content_of_its_upload(
    body: bytes, upload: UploadState | None, held: bool
) -> None:
    async with open_session(script_answers(ok())[0]) as here:
        answer = await here.transport.send(HttpRequest("GET", HELD.url))
        reply = StepResponse(replace(answer, body=body), "GET", HELD.url, 0, upload)
        found = meets(Condition(content=(5, 15)), reply, References(here, {}, {}, {}))
    assert found is held


SAME = """
{ options = {}, name = "plain" },
{ options = {}, expect = [
  { header.X = { same = "plain" }, checks = "core.head.upload-offset" },
] },
"""


@pytest.mark.parametrize(
    ("first", "second", "held"),
    [
        (ok(X="a,b"), ok(X="b, a"), True),
        (ok(X="a,b"), ok(X="a"), False),
        (ok(X="a"), ok(), False),
        (ok(), ok(X="a"), False),
        (ok(), ok(), True),
    ],
)
async def test_a_header_is_the_same_with_its_members_in_any_order_or_absent_in_both(
    first: ScriptedResponse, second: ScriptedResponse, held: bool
) -> None:
    answering, _ = script_answers(first, second)
    async with open_session(answering) as session:
        attempt = await execute_scenario(scenario_from_toml(SAME), session)
    assert check_grades(attempt) == ["held pass" if held else "violated fail"]
