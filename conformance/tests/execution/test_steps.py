"""`execution.steps`: what ends a scenario, what happens to later steps, what is removed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from scripted_scenario import GIVEN, OTHER, PATCH, PATCHED, ROW, check_outcomes, execute_steps
from scripted_server import (
    URL,
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
from tus_scenarios import (
    Expectation,
    FinishUpload,
    GivenUpload,
    RequestSpec,
    Scenario,
    ScenarioContext,
    function_scenario,
)

HEAD = f'{{ head = {{}}, expect = [{{ status = 200, checks = "{ROW}" }}] }}'
SETUP = f'{{ head = {{ to = "/x" }}, setup = true, {PATCHED}'
OPTIONS = f'{{ options = {{}}, expect = [{{ status = 200, checks = "{ROW}" }}] }}'
AGREED = '{ head = {}, expect = [{ header.Upload-Offset = "{upload.offset}"'
AGREEING = f'{AGREED}, checks = "{ROW}" }}] }}'

ENDINGS: list[tuple[str, list[ScriptedAnswer], str, list[str], str]] = [
    (
        f"{GIVEN}, {HEAD}",
        [creation_response(), head_response(0)],
        "pass",
        [f"{ROW} held"],
        "all goes well",
    ),
    (
        f"{GIVEN}, {HEAD}",
        [ScriptedResponse(403)],
        "blocked",
        [f"{ROW} not-reached"],
        "the upload to begin with is refused",
    ),
    (
        f"{GIVEN}, {HEAD}",
        [ScriptedResponse(201)],
        "blocked",
        [f"{ROW} not-reached"],
        "it is created, but nobody says where",
    ),
    (
        f"{GIVEN}, {HEAD}",
        [ScriptedResponse(201, {"Location": "http://["})],
        "blocked",
        [f"{ROW} not-reached"],
        "its Location is not a URL",
    ),
    (
        f"{GIVEN}, {HEAD}",
        [CloseWithoutReply()],
        "blocked",
        [f"{ROW} not-reached"],
        "the connection closes on it",
    ),
    (
        f"{{ given = {{ length = 10, stored = 5 }} }}, {HEAD}",
        [creation_response(), ScriptedResponse(500)],
        "blocked",
        [f"{ROW} not-reached"],
        "its first bytes are refused",
    ),
    (
        f"{{ given = {{ length = 10, stored = 5 }} }}, {HEAD}",
        [creation_response(), patch_response(3), patch_response(5), head_response(5)],
        "pass",
        [f"{ROW} held"],
        "its first bytes are taken in two portions",
    ),
    (
        f"{{ given = {{ length = 10, stored = 5 }} }}, {HEAD}",
        [creation_response(), patch_response(3), patch_response(3)],
        "blocked",
        [f"{ROW} not-reached"],
        "after a portion no more is taken",
    ),
    (
        f"{GIVEN}, {{ patch = {{ send = 5 }}, setup = true }}, {HEAD}",
        [creation_response(), ScriptedResponse(409)],
        "blocked",
        [f"{ROW} not-reached"],
        "a setup step without expectations is refused",
    ),
    (
        f"{SETUP}, {OPTIONS}",
        [ScriptedResponse(200)],
        "blocked",
        [f"{ROW} not-reached"],
        "what a setup step expects is no check when it fails",
    ),
    (
        f"{SETUP}, {OPTIONS}",
        [ScriptedResponse(204), ScriptedResponse(200)],
        "pass",
        [f"{ROW} held"],
        "nor when it holds",
    ),
    (
        f"{GIVEN}, {PATCH}, {HEAD}",
        [creation_response(), ScriptedResponse(200, {"Upload-Offset": "5"})],
        "fail",
        [f"{OTHER} violated", f"{ROW} not-reached"],
        "after a violated step that is needed it ends",
    ),
    (
        f"{GIVEN}, {PATCH.replace('needed = true', 'needed = false')}, {HEAD}",
        [creation_response(), ScriptedResponse(200, {"Upload-Offset": "5"}), head_response(5)],
        "fail",
        [f"{OTHER} violated", f"{ROW} held"],
        "after any other it goes on",
    ),
    (
        f"{{ post = {{ length = 10 }}, {PATCHED.replace('status = 204', 'status = 400')}, {HEAD}",
        [ScriptedResponse(400)],
        "pass",
        [f"{OTHER} held", f"{ROW} not-reached"],
        "a step about an upload that was rightly refused is passed over",
    ),
    (
        f"{GIVEN}, {HEAD}",
        [creation_response(), KeepOpen()],
        "inconclusive",
        [f"{ROW} not-reached"],
        "silence leaves it open",
    ),
]


@pytest.mark.parametrize(
    ("steps", "answers", "verdict", "checks"),
    [pytest.param(*case[:4], id=case[4]) for case in ENDINGS],
)
async def test_a_scenario_ends(
    steps: str, answers: list[ScriptedAnswer], verdict: str, checks: list[str]
) -> None:
    attempt, _ = await execute_steps(steps, *answers)
    assert (attempt.verdict, check_outcomes(attempt)) == (verdict, checks)
    assert bool(attempt.reason) is (verdict in {"blocked", "inconclusive"})


async def test_a_given_upload_has_the_offset_of_head_if_the_patch_has_none() -> None:
    steps = "{ given = { length = 10, stored = 5 } }, " + HEAD
    attempt, heard = await execute_steps(
        steps, creation_response(), ScriptedResponse(204), head_response(5), head_response(5)
    )
    assert [asked.method for asked in heard] == ["POST", "PATCH", "HEAD", "HEAD"]
    assert attempt.verdict == "pass"


REASONS: list[tuple[str, list[ScriptedAnswer], str]] = [
    (GIVEN, [ScriptedResponse(403)], "The initial upload could not be created"
     " (creation.post.201): POST got 403."),
    (GIVEN, [ScriptedResponse(201)], "The initial upload could not be created"
     " (creation.post.201): POST got 201 and no Location."),
    (GIVEN, [ScriptedResponse(201, {"Location": "a b"})],
     "The initial upload could not be created"
     " (creation.post.201): POST got 201 and the Location 'a b', which is not a URL."),
    ("{ given = { length = 10, stored = 5 } }",
     [creation_response(), ScriptedResponse(204), head_response(0)],
     "The initial bytes could not be stored (core.patch.success-204):"
     " PATCH got 204."),
    (GIVEN + ", { patch = { send = 5 }, setup = true }", [creation_response(), CloseWithoutReply()],
     "A precondition did not hold (core.patch.success-204): The server closed the connection"
     " without a response, 5 body bytes sent: search its log for this request."),
]  # fmt: skip


@pytest.mark.parametrize(("steps", "answers", "reason"), REASONS)
async def test_a_blocked_scenario_says_what_was_in_its_way(
    steps: str, answers: list[ScriptedAnswer], reason: str
) -> None:
    attempt, _ = await execute_steps(f"{steps}, {HEAD}", *answers)
    assert attempt.reason == reason


async def test_a_step_with_within_is_repeated_and_its_last_response_evaluated() -> None:
    patient = HEAD.replace("head = {},", "head = {}, within = 30,")
    attempt, heard = await execute_steps(
        f"{GIVEN}, {patient}",
        creation_response(),
        ScriptedResponse(423),
        ScriptedResponse(423),
        head_response(0),
    )
    assert check_outcomes(attempt) == [f"{ROW} held"]
    assert [asked.method for asked in heard] == ["POST", "HEAD", "HEAD", "HEAD"]
    assert attempt.checks[0].exchange == 3


async def test_patience_ends_where_time_mends_nothing() -> None:
    """A refusal of the request itself will be the same in 30 seconds."""
    patient = HEAD.replace("head = {},", "head = {}, within = 30,")
    attempt, heard = await execute_steps(
        f"{GIVEN}, {patient}", creation_response(), ScriptedResponse(423), ScriptedResponse(400)
    )
    assert check_outcomes(attempt) == [f"{ROW} violated"]
    assert len(heard) == 3


@pytest.mark.parametrize("kept_silent", [3, 300], ids=["for a while", "for all of the time"])
async def test_silence_counts_once_the_server_had_its_time(kept_silent: int) -> None:
    """A server that is busy answers late; one that hangs is not usable, and that is no doubt."""
    asked = 0

    def answer(request: ReceivedRequest) -> ScriptedAnswer:
        nonlocal asked
        asked += request.method == "HEAD"
        if request.method == "HEAD":
            return KeepOpen() if asked <= kept_silent else head_response(0)
        return creation_response() if request.method == "POST" else ScriptedResponse(204)

    patient = HEAD.replace("head = {},", "head = {}, within = 1,")
    async with open_session(answer, discovery=discovered_with(), patience=0.05) as here:
        attempt = await execute_scenario(scenario_from_toml(f"{GIVEN}, {patient}"), here)
    assert check_outcomes(attempt) == [f"{ROW} {'held' if kept_silent == 3 else 'violated'}"]


async def test_what_was_done_is_not_done_again() -> None:
    """A server that takes the same bytes over and over would only be filled."""
    patient = PATCH.replace("needed = true,", "within = 30,").replace("= 204", "= 409")
    attempt, heard = await execute_steps(
        f"{GIVEN}, {patient}",
        creation_response(),
        ScriptedResponse(423),
        head_response(0),
        patch_response(5),
    )
    assert check_outcomes(attempt) == [f"{OTHER} violated"]
    assert len(heard) == 4


async def test_a_repeated_patch_asks_for_the_offset_first() -> None:
    """The bytes of a request that broke off may arrive meanwhile."""
    patient = PATCH.replace("needed = true,", "within = 30,")
    answers = (creation_response(), ScriptedResponse(409), head_response(3), patch_response(8))
    attempt, heard = await execute_steps(f"{GIVEN}, {patient}", *answers)
    assert check_outcomes(attempt) == [f"{OTHER} held"]
    assert [asked.header("Upload-Offset") for asked in heard] == [None, "0", None, "3"]


def function(
    tell: Callable[[ScenarioContext], Awaitable[None]], checks: tuple[str, ...] = (ROW,)
) -> Scenario:
    """Return a scenario that is a function."""
    made = function_scenario(
        id="a.story",
        title="A story",
        section="Core",
        extension="core",
        checks=checks,
        steps=("Do it.",),
        why="For the test.",
    )
    return made(tell)


async def test_a_mistake_in_a_scenario_is_an_error_of_the_suite() -> None:
    async def mistaken(context: ScenarioContext) -> None:
        await context.create_upload(GivenUpload(length=10))
        raise KeyError("oops")

    attempt, _ = await execute_steps(function(mistaken), creation_response())
    assert (attempt.verdict, check_outcomes(attempt)) == ("error", [f"{ROW} not-reached"])
    assert attempt.reason.startswith("This is an error of the suite")
    assert "KeyError: 'oops' (test_steps.py, line " in attempt.reason


async def test_a_mistake_in_a_branch_is_reported_as_itself() -> None:
    async def mistaken(context: ScenarioContext) -> None:
        async def branch() -> None:
            raise KeyError("oops")

        await context.run_concurrently(branch)

    attempt, _ = await execute_steps(function(mistaken))
    assert attempt.verdict == "error"
    assert "KeyError: 'oops' (test_steps.py, line " in attempt.reason


async def test_a_function_scenario_can_send_expect_and_finish() -> None:
    async def with_request_headers(context: ScenarioContext) -> None:
        upload = await context.create_upload(GivenUpload(length=10))
        reply = await context.send("PATCH", RequestSpec(send=10))
        context.expect(reply, Expectation(status=204, checks=OTHER))
        assert upload.offset == 10
        await context.finish(FinishUpload(), Expectation(intact=True, checks=ROW))

    attempt, _ = await execute_steps(
        function(with_request_headers, (ROW, OTHER)),
        creation_response(),
        patch_response(10),
        head_response(10),
    )
    assert (attempt.verdict, check_outcomes(attempt)) == ("pass", [f"{OTHER} held", f"{ROW} held"])


async def test_a_stopped_branch_stops_the_scenario() -> None:
    async def racing(context: ScenarioContext) -> None:
        async def refused() -> None:
            await context.create_upload(GivenUpload(length=10))

        await context.run_concurrently(refused)

    attempt, _ = await execute_steps(function(racing), ScriptedResponse(403))
    assert (attempt.verdict, check_outcomes(attempt)) == ("blocked", [f"{ROW} not-reached"])


async def test_a_stopped_function_scenario_leaves_all_its_checks_open() -> None:
    """What held until then may not have held in the end."""

    async def stopped(context: ScenarioContext) -> None:
        reply = await context.send("OPTIONS", RequestSpec())
        context.expect(reply, Expectation(status=204, checks=ROW))
        await context.create_upload(GivenUpload(length=10))

    attempt, _ = await execute_steps(
        function(stopped), ScriptedResponse(204), ScriptedResponse(403)
    )
    assert (attempt.verdict, check_outcomes(attempt)) == (
        "blocked",
        [f"{ROW} held", f"{ROW} not-reached"],
    )


async def test_unreached_steps_leave_their_checks_open() -> None:
    first = f'{{ options = {{}}, needed = true, expect = [{{ status = 204, checks = "{ROW}" }}] }}'
    again = first.replace("needed = true, ", "")
    other = again.replace(ROW, OTHER)
    attempt, _ = await execute_steps(f"{first}, {again}, {other}", ScriptedResponse(200))
    assert [(check.requirement, check.outcome, check.step) for check in attempt.checks] == [
        (ROW, "violated", 1),
        (ROW, "not-reached", 2),
        (OTHER, "not-reached", 3),
    ]
    assert {check.explanation for check in attempt.checks[1:]} == {
        "the scenario ended with this: status 200"
    }


async def test_a_requirement_that_a_scenario_does_not_check_is_not_reached() -> None:
    async def idle(context: ScenarioContext) -> None:
        await context.wait_until(_yes, seconds=1)

    attempt, _ = await execute_steps(function(idle, (ROW, OTHER)))
    assert check_outcomes(attempt) == [f"{ROW} not-reached", f"{OTHER} not-reached"]


async def _yes() -> bool:
    return True


async def test_what_was_created_is_removed_afterwards() -> None:
    attempt, heard = await execute_steps(
        f"{GIVEN}, {HEAD}",
        creation_response("7"),
        head_response(0),
        ScriptedResponse(204),
        termination=True,
    )
    assert (heard[-1].method, heard[-1].target) == ("DELETE", "/files/7")
    assert len(attempt.exchanges) == 2


async def test_what_cannot_be_removed_is_remembered() -> None:
    answering, _ = script_answers(creation_response("7"), head_response(0))
    async with open_session(answering) as here:
        await execute_scenario(scenario_from_toml(f"{GIVEN}, {HEAD}"), here)
        assert here.left_behind.urls == [URL + "7"]


@pytest.mark.parametrize(
    ("status", "charged"), [(500, True), (503, True), (501, False), (403, False)]
)
async def test_a_server_error_in_a_preparation_is_reported(status: int, *, charged: bool) -> None:
    """Once the server is out of order for one request, no other scenario may see it."""
    answering, _ = script_answers(ScriptedResponse(status))
    reported: list[tuple[str, int | None]] = []
    async with open_session(answering) as here:
        here.on_server_error = lambda scenario, reply: reported.append((scenario.id, reply.status))
        scenario = scenario_from_toml(f"{GIVEN}, {HEAD}")
        attempt = await execute_scenario(scenario, here)
    assert attempt.verdict == "blocked"
    assert reported == ([(scenario.id, status)] if charged else [])


async def test_a_response_is_evaluated_by_what_was_acknowledged_before_it() -> None:
    steps = f'{GIVEN}, {{ patch = {{ send = 5 }}, name = "sent" }}, {AGREEING}'
    agreed, _ = await execute_steps(steps, creation_response(), patch_response(5), head_response(5))
    disagreed, _ = await execute_steps(
        steps, creation_response(), patch_response(5), head_response(4)
    )
    assert [agreed.verdict, disagreed.verdict] == ["pass", "fail"]
    assert disagreed.checks[0].expected != disagreed.checks[0].actual


async def test_only_the_upload_itself_moves_its_offset() -> None:
    steps = f'{GIVEN}, {{ head = {{ to = "{{upload}}.info" }}, name = "beside" }}, {AGREEING}'
    attempt, _ = await execute_steps(steps, creation_response(), head_response(9), head_response(0))
    assert attempt.verdict == "pass"
