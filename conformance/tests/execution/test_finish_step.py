"""`execution.finish_step`: an upload is resumed, completed and compared as a client would."""

from __future__ import annotations

from dataclasses import replace

import pytest
from scripted_scenario import FINISH, GIVEN, OTHER, PATCH, ROW, check_outcomes, execute_steps
from scripted_server import (
    CloseWithoutReply,
    KeepOpen,
    ReceivedRequest,
    ScriptedAnswer,
    ScriptedResponse,
    creation_response,
    discovered_with,
    head_response,
    open_session,
    patch_response,
    scenario_from_toml,
    script_answers,
)

from tus_conformance.execution.steps import execute_scenario
from tus_conformance.state.content import GeneratedContent, read_content
from tus_conformance.targets.profile import Profile
from tus_reports import Capability

BYTES = read_content(GeneratedContent("7:a.story:1:upload"), 0, 100)


async def test_a_length_that_head_states_is_not_declared_again() -> None:
    """It came with a request that broke off; a server may refuse to be told twice."""
    steps = f"{{ given = {{ length = 10, deferred = true }} }}, {FINISH}"
    answers = (creation_response(), head_response(3, 10), patch_response(10), head_response(10, 10))
    attempt, heard = await execute_steps(steps, *answers)
    assert check_outcomes(attempt) == [f"{ROW} held"]
    assert heard[2].header("Upload-Length") is None


async def test_a_creation_in_response_to_an_overridden_patch_declares_no_length() -> None:
    """A server without X-HTTP-Method-Override takes the POST for a creation. The upload itself
    still has no length, so the length is declared with the rest of it.
    """
    ignored = (
        "{ patch = { send = 4, length = 10, override = true },"
        f' expect = [{{ status = 204, checks = "{OTHER}" }}] }}'
    )
    steps = f"{{ given = {{ length = 10, deferred = true }} }}, {ignored}, {FINISH}"
    attempt, heard = await execute_steps(
        steps,
        creation_response(),
        creation_response("2", **{"Upload-Offset": "4"}),
        head_response(0),
        patch_response(10),
        head_response(10, 10),
    )
    assert check_outcomes(attempt) == [f"{OTHER} violated", f"{ROW} held"]
    assert heard[1].method == "POST"
    assert heard[3].header("Upload-Length") == "10"
    assert heard[3].header("Upload-Offset") == "0"


LOST = "complete, but it cannot be read on a server that offers downloads"
ONCE_AGAIN = Profile(download_delay=0.01)

FINISHES: list[tuple[list[ScriptedAnswer], bool, bool, str, str]] = [
    (
        [
            head_response(0),
            patch_response(10),
            head_response(10),
            ScriptedResponse(200, body=BYTES[:10]),
        ],
        True,
        False,
        "complete, and every byte of the download is correct",
        "resumed, completed, downloaded",
    ),
    (
        [
            head_response(4),
            patch_response(7),
            head_response(7),
            patch_response(10),
            head_response(10),
            ScriptedResponse(200, body=BYTES[:10]),
        ],
        True,
        False,
        "complete, and every byte of the download is correct",
        "a PATCH that is taken in portions is gone on with",
    ),
    (
        [
            head_response(0),
            ScriptedResponse(400),
            head_response(4),
            patch_response(10),
            head_response(10),
            ScriptedResponse(200, body=BYTES[:10]),
        ],
        True,
        False,
        "complete, and every byte of the download is correct",
        "outdone by a request that arrives late, it is resumed behind that",
    ),
    (
        [head_response(0), ScriptedResponse(400), head_response(10)],
        False,
        False,
        "the PATCH of the rest at 0 got 400",
        "a refusal that stores everything is no success",
    ),
    (
        [head_response(10), ScriptedResponse(200, body=BYTES[:10])],
        True,
        False,
        "complete, and every byte of the download is correct",
        "what is complete is only compared",
    ),
    (
        [head_response(10), ScriptedResponse(200, body=BYTES[:6] + b"\0" + BYTES[7:10])],
        False,
        True,
        "byte 6 of the download differs from the byte sent",
        "a byte that is wrong",
    ),
    (
        [head_response(10), ScriptedResponse(200, body=BYTES[:9])],
        False,
        True,
        "the download has 9 bytes of 10",
        "a byte that is lost",
    ),
    (
        [head_response(10), ScriptedResponse(200, body=BYTES[:11])],
        False,
        True,
        "the download has 11 bytes of 10",
        "a byte too many",
    ),
    (
        [head_response(10), *[ScriptedResponse(200, {"Content-Length": "10"}, body=BYTES[:6])] * 2],
        False,
        True,
        "the download broke off after 6 of 10 bytes",
        "a download that breaks off again",
    ),
    (
        [
            head_response(10),
            ScriptedResponse(200, {"Content-Length": "10"}, body=BYTES[:6]),
            ScriptedResponse(200, body=BYTES[:10]),
        ],
        True,
        False,
        "complete, and every byte of the download is correct",
        "a download that breaks off once has not shown a loss",
    ),
    (
        [head_response(10), ScriptedResponse(404), ScriptedResponse(200, body=BYTES[:10])],
        True,
        False,
        "complete, and every byte of the download is correct",
        "an upload that can be read a little later",
    ),
    (
        [head_response(10), *[ScriptedResponse(500)] * 2],
        False,
        True,
        f"{LOST}: GET got 500",
        "a download that fails",
    ),
    (
        [head_response(10), *[CloseWithoutReply()] * 2],
        False,
        True,
        f"{LOST}: GET got no response",
        "a download that is not answered",
    ),
    (
        [head_response(10), ScriptedResponse(403)],
        True,
        False,
        "complete; content unverified, because GET got 403",
        "a download that needs a login",
    ),
    (
        [head_response(10), ScriptedResponse(302, {"Location": "/elsewhere"})],
        True,
        False,
        "complete; content unverified, because GET got 302",
        "a download from elsewhere",
    ),
    (
        [head_response(10), *[ScriptedResponse(404)] * 2],
        False,
        True,
        f"{LOST}: GET got 404",
        "an upload that cannot be read where others can",
    ),
    (
        [head_response(11)],
        False,
        True,
        "HEAD returns offset 11 for an upload of 10",
        "more bytes than there can be",
    ),
    (
        [ScriptedResponse(404)],
        False,
        False,
        "HEAD got 404, so the upload cannot be resumed",
        "an upload that is gone",
    ),
    (
        [ScriptedResponse(200)],
        False,
        False,
        "HEAD got 200, so the upload cannot be resumed",
        "an upload that does not tell where it stands",
    ),
    (
        [head_response("abc")],
        False,
        False,
        "HEAD got 200 and Upload-Offset abc, so the upload cannot be resumed",
        "or tells it in words",
    ),
    (
        [head_response(4), ScriptedResponse(409), head_response(4)],
        False,
        False,
        "the PATCH of the rest at 4 got 409",
        "the rest is refused",
    ),
    (
        [head_response(4), patch_response(10), head_response(4)],
        False,
        False,
        "after the rest was sent from 4, HEAD got 200 and Upload-Offset 4",
        "the rest is acknowledged and not kept",
    ),
    (
        [head_response(4), patch_response(10), *[ScriptedResponse(404)] * 3],
        False,
        True,
        f"{LOST}: GET got 404",
        "a complete upload that neither HEAD nor GET finds",
    ),
    (
        [head_response(4), patch_response(10), head_response(11)],
        False,
        True,
        "HEAD returns offset 11 for an upload of 10",
        "more bytes in the end than there can be",
    ),
    (
        [head_response(4), patch_response(8), ScriptedResponse(404)],
        False,
        False,
        "after the rest was sent from 4, HEAD got 404",
        "an upload that is gone before it was complete",
    ),
]


@pytest.mark.parametrize(
    ("answers", "intact", "damage", "actual"),
    [pytest.param(*case[:4], id=case[4]) for case in FINISHES],
)
async def test_an_upload_is_finished_as_a_client_would(
    answers: list[ScriptedAnswer], intact: bool, damage: bool, actual: str
) -> None:
    attempt, _ = await execute_steps(
        f"{GIVEN}, {FINISH}", creation_response(), *answers, profile=ONCE_AGAIN, download=True
    )
    check = attempt.checks[0]
    assert (check.actual, check.outcome) == (actual, "held" if intact else "violated")
    assert (check.rule == "data-loss") is damage


COMPLETED = f"{GIVEN}, {PATCH.replace('send = 5', 'send = 10')}, {FINISH}"


async def test_what_an_answer_called_complete_may_be_gone_where_all_of_those_are() -> None:
    """That HEAD goes on answering for a complete upload is another requirement's business."""
    answering, _ = script_answers(creation_response(), patch_response(10), ScriptedResponse(404))
    forgets = Capability(name="complete-uploads", advertised=False, observed="refused")
    forgetful = replace(discovered_with(), capabilities={forgets.name: forgets})
    async with open_session(answering, discovery=forgetful) as here:
        attempt = await execute_scenario(scenario_from_toml(COMPLETED), here)
    assert check_outcomes(attempt) == [f"{OTHER} held", f"{ROW} held"]
    assert attempt.checks[1].actual == (
        "complete; content unverified, because the server does not offer downloads"
    )


async def test_a_complete_upload_that_is_lost_is_lost_where_the_others_are_kept() -> None:
    attempt, _ = await execute_steps(
        COMPLETED, creation_response(), patch_response(10), ScriptedResponse(404)
    )
    assert check_outcomes(attempt) == [f"{OTHER} held", f"{ROW} violated"]


@pytest.mark.parametrize("status", [404, 410])
async def test_an_upload_that_is_gone_is_not_waited_for(status: int) -> None:
    patient = FINISH.replace("finish = {},", "finish = {}, within = 30,")
    attempt, _ = await execute_steps(
        f"{GIVEN}, {patient}", creation_response(), ScriptedResponse(status)
    )
    assert check_outcomes(attempt) == [f"{ROW} violated"]


async def test_without_a_download_the_content_is_reported_as_unverified() -> None:
    attempt, _ = await execute_steps(
        f"{GIVEN}, {FINISH}",
        creation_response(),
        head_response(0),
        patch_response(10),
        head_response(10),
    )
    assert attempt.verdict == "pass"
    assert attempt.checks[0].actual == (
        "complete; content unverified, because the server does not offer downloads"
    )


async def test_a_deferred_length_is_declared_with_the_rest() -> None:
    deferred = "{ given = { length = 10, deferred = true } }"
    attempt, heard = await execute_steps(
        f"{deferred}, {FINISH}",
        creation_response(),
        head_response(0),
        patch_response(10),
        head_response(10),
    )
    assert attempt.verdict == "pass"
    assert heard[2].header("Upload-Length") == "10"


async def test_bytes_of_another_origin_make_the_content_unverifiable() -> None:
    attempt, _ = await execute_steps(
        f'{GIVEN}, {{ patch = {{ body = "hello" }}, name = "own" }}, {FINISH}',
        *(
            creation_response(),
            patch_response(5),
            head_response(5),
            patch_response(10),
            head_response(10),
        ),
        download=True,
    )
    assert attempt.verdict == "pass"
    assert "bytes of another request" in attempt.checks[0].actual


@pytest.mark.parametrize(
    ("answers", "verdict"),
    [
        pytest.param([KeepOpen()], "inconclusive", id="HEAD is not answered"),
        pytest.param([head_response(0), KeepOpen()], "inconclusive", id="the rest is not answered"),
        pytest.param(
            [head_response(0), patch_response(10), KeepOpen()],
            "inconclusive",
            id="nor is the HEAD after it",
        ),
    ],
)
async def test_silence_while_finishing_leaves_it_open(
    answers: list[ScriptedAnswer], verdict: str
) -> None:
    attempt, _ = await execute_steps(f"{GIVEN}, {FINISH}", creation_response(), *answers)
    assert (attempt.verdict, check_outcomes(attempt)) == (verdict, [f"{ROW} not-reached"])


async def test_damage_fails_whatever_else_is_foreseen() -> None:
    lenient = FINISH.replace("intact = true", 'intact = true, note = [{ status = "2xx" }]')
    attempt, _ = await execute_steps(
        f"{GIVEN}, {lenient}",
        creation_response(),
        head_response(10),
        ScriptedResponse(200, body=BYTES[:9]),
        download=True,
    )
    assert attempt.verdict == "fail"


FAILED_PATCH = PATCH.replace("send = 5", "send = 10").replace("204", "500")
PATIENT = FINISH.replace("finish = {},", "finish = {}, within = 5,")
REFUSED = "HEAD says that it is complete, but the request that sent its last byte got"

COMPLETIONS: list[tuple[str, list[ScriptedAnswer], str, str]] = [
    (
        f"{GIVEN}, {FAILED_PATCH}, {FINISH}",
        [ScriptedResponse(500), head_response(10)],
        f"{REFUSED} 500",
        "a PATCH of the scenario gets 500",
    ),
    (
        f"{GIVEN}, {PATIENT}",
        [head_response(0), ScriptedResponse(500), head_response(10)],
        f"{REFUSED} 500",
        "a PATCH of the finish gets 500, and the finish is repeated",
    ),
    (
        f"{GIVEN}, {PATIENT}",
        [head_response(0), ScriptedResponse(409), head_response(10), head_response(10)],
        f"{REFUSED} 409",
        "so it is with a refusal that nothing explains",
    ),
    (
        f"{GIVEN}, {PATIENT}",
        [
            head_response(0),
            ScriptedResponse(503),
            head_response(0),
            patch_response(10),
            head_response(10),
        ],
        "",
        "a PATCH that is repeated and then succeeds",
    ),
    (
        f"{GIVEN}, {FAILED_PATCH.replace('500', '204')}, {FINISH}",
        [CloseWithoutReply(), head_response(0), ScriptedResponse(409), head_response(10)],
        "the PATCH of the rest at 0 got 409",
        "the bytes of a request that broke off arrive late",
    ),
    (
        f"{GIVEN}, {FAILED_PATCH.replace('500', '204').replace('needed = true, ', '')}, {PATIENT}",
        [
            CloseWithoutReply(),
            head_response(0),
            ScriptedResponse(409),
            head_response(10),
            head_response(10),
        ],
        "",
        "and the finish is repeated",
    ),
]


@pytest.mark.parametrize(
    ("steps", "answers", "actual"), [pytest.param(*case[:3], id=case[3]) for case in COMPLETIONS]
)
async def test_completion_needs_a_response_that_says_so(
    steps: str, answers: list[ScriptedAnswer], actual: str
) -> None:
    """HEAD alone does not show that a server has completed an upload that it reported as failed."""
    steps = steps.replace("needed = true, ", "")
    attempt, _ = await execute_steps(steps, creation_response(), *answers)
    check = attempt.checks[-1]
    unverified = "complete; content unverified, because the server does not offer downloads"
    assert check.actual == (actual or unverified)
    assert (check.rule == "completion") is actual.startswith(REFUSED)
    assert check.outcome == ("violated" if actual else "held")


async def test_a_probe_that_met_a_lost_upload_does_not_excuse_the_others() -> None:
    """Downloads count as offered as soon as one returns the bytes of its upload."""
    finishes = f"{GIVEN}, {FINISH}, {{ given = {{ name = 'b', length = 10 }} }}"
    finishes += f", {FINISH.replace('finish = {}', 'finish.of = ' + repr('b'))}"
    answering, heard = script_answers(
        creation_response(),
        head_response(10),
        ScriptedResponse(200, body=BYTES[:10]),
        creation_response("2"),
        head_response(10),
        *[ScriptedResponse(404)] * 2,
    )
    refused = Capability(name="download", advertised=False, observed="refused")
    lost = replace(discovered_with(), capabilities={refused.name: refused})
    async with open_session(answering, discovery=lost, profile=ONCE_AGAIN) as here:
        attempt = await execute_scenario(scenario_from_toml(finishes), here)
    assert check_outcomes(attempt) == [f"{ROW} held", f"{ROW} violated"]
    assert attempt.checks[1].actual == f"{LOST}: GET got 404"
    assert len(heard) == 7


PARTIAL = '{ given = { length = 10, header.Upload-Concat = "partial" } }'


@pytest.mark.parametrize(
    ("downloads", "state"),
    [
        ((404,), "complete; content unverified, because GET of a partial upload got 404"),
        ((200, 404), "complete, but it cannot be read on a server that offers downloads"),
    ],
    ids=["of none", "of another, but not of this"],
)
async def test_a_partial_upload_is_lost_only_where_partial_uploads_can_be_downloaded(
    downloads: tuple[int, ...], state: str
) -> None:
    """A server may offer the download of other uploads alone."""
    bodies = iter(downloads)

    def answer(request: ReceivedRequest) -> ScriptedAnswer:
        if request.method == "POST":
            return creation_response()
        if request.method == "HEAD":
            return head_response(10, 10)
        status = next(bodies, downloads[-1])
        content = GeneratedContent("7:a.story:1:upload")
        body = read_content(content, 0, 10) if status == 200 else b""
        return ScriptedResponse(status, body=body)

    steps = f"{PARTIAL}, " + ", ".join([FINISH] * len(downloads))
    async with open_session(answer, discovery=discovered_with("download")) as session:
        attempt = await execute_scenario(scenario_from_toml(steps), session)
    assert attempt.checks[-1].actual.startswith(state)
