"""`execution.request_faults`: what is sent with a fault, what is evaluated, what is known then."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from scripted_server import (
    AnswerFunction,
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

from tus_conformance.execution.request_composer import RequestComposer
from tus_conformance.execution.steps import execute_scenario
from tus_conformance.state.content import GeneratedContent
from tus_conformance.state.references import References
from tus_conformance.state.session import Session
from tus_conformance.state.upload import UploadState
from tus_conformance.transport import BodyCut, Break, InjectedFault, SplitWrite, Stall, Throttle
from tus_reports import Attempt
from tus_scenarios import Cut as WrittenCut
from tus_scenarios import NetworkFault as Written
from tus_scenarios import RequestSpec

ROW, OTHER = "core.head.upload-offset", "core.patch.success-204"
GIVEN = "{ given = { length = 10 } }"


def plan(*faults: Written, **more: Any) -> RequestSpec:
    """Return a PATCH of ten bytes with these faults."""
    return RequestSpec(offset=0, send=10, faults=faults, **more)


async def composer(here: Session) -> RequestComposer:
    """Return a composer that knows one upload and one parameter."""
    upload = UploadState("upload", "http://tus.test/files/1", GeneratedContent("k"), length=10)
    return RequestComposer(References(here, {"cut": "3"}, {"upload": upload}, {}), "k")


OUT: dict[str, tuple[RequestSpec, tuple[InjectedFault, ...]]] = {
    "a cut": (plan(Written(cut="rst", at=4)), (InjectedFault(Break("rst"), "4"),)),
    "a half-close": (plan(Written(cut="half", at="last")), (InjectedFault(Break("half"), "last"),)),
    "in the head": (
        plan(Written(cut="fin", at="50%", inside="head")),
        (InjectedFault(Break("fin"), "50%", "head"),),
    ),
    "a stall": (plan(Written(stall=2, at="{cut}")), (InjectedFault(Stall(2), "3"),)),
    "a throttle": (plan(Written(throttle=9)), (InjectedFault(Throttle(rate=9), "0"),)),
    "small writes": (plan(Written(pieces=1)), (InjectedFault(Throttle(write_size=1), "0"),)),
    "a split": (plan(Written(split=True, at="first")), (InjectedFault(SplitWrite(), "first"),)),
    "several, in order": (
        plan(Written(split=True, at=1), Written(stall=1, at=1)),
        (InjectedFault(SplitWrite(), "1"), InjectedFault(Stall(1), "1")),
    ),
    "what is done to the whole request is no act on its way": (
        plan(Written(duplicate=True), Written(lose="reply")),
        (),
    ),
}


@pytest.mark.parametrize(("request_", "faults"), OUT.values(), ids=OUT)
async def test_faults_go_out_with_the_message(
    request_: RequestSpec, faults: tuple[InjectedFault]
) -> None:
    async with open_session(script_answers()[0]) as here:
        http_request, _ = (await composer(here)).compose("PATCH", request_)
    assert http_request.faults == faults
    assert http_request.drop_response is any(each.lose is not None for each in request_.faults)
    assert http_request.connection is None


async def test_a_cut_takes_any_position() -> None:
    async with open_session(script_answers()[0]) as here:
        composed = await composer(here)
        for after, place in (("last-but-one", 9), ("-4", 6), ("{cut}", 3), (99, 10)):
            request = RequestSpec(offset=0, send=10, cut=WrittenCut(after=after))
            assert composed.compose("PATCH", request)[0].cut == BodyCut(place)


async def test_requests_over_the_kept_connection_share_one() -> None:
    async with open_session(script_answers()[0]) as here:
        composed = await composer(here)
        first, _ = composed.compose("PATCH", plan(connection="kept"))
        second, _ = composed.compose("HEAD", RequestSpec(connection="kept"))
    assert first.connection is second.connection is not None


async def told(steps: str, answering: AnswerFunction) -> tuple[Attempt, float]:
    """Replay a story; return what was found, and the seconds it took on the mock clock."""
    began = trio.current_time()
    async with open_session(answering, discovery=discovered_with("termination")) as here:
        attempt = await execute_scenario(scenario_from_toml(steps), here)
    return attempt, trio.current_time() - began


def said(attempt: Attempt) -> list[str]:
    """Return the checks of an attempt, each as "requirement outcome step"."""
    return [f"{each.requirement} {each.outcome} {each.step}" for each in attempt.checks]


HELD = (
    f"{GIVEN},"
    '{ patch = { send = "rest", faults = [{ at = 4, stall = 3, until = "asked" }] },'
    f' expect = [{{ status = 204, checks = "{OTHER}" }}] }},'
    f'{{ head = {{}}, name = "asked", expect = [{{ status = 200, checks = "{ROW}" }}] }}'
)


async def test_step_stalls_until_another_step_has_a_response() -> None:
    answering, heard = script_answers(
        creation_response(), head_response(0), patch_response(10), ScriptedResponse(204)
    )
    attempt, took = await told(HELD, answering)
    assert [asked.method for asked in heard] == ["POST", "HEAD", "PATCH", "DELETE"]
    assert said(attempt) == [f"{ROW} held 3", f"{OTHER} held 2"]
    assert took == 0


async def test_a_step_goes_on_when_the_other_is_not_answered() -> None:
    """A server may let the newer request wait; the time is what the stall says."""
    left: list[ScriptedAnswer] = [
        creation_response(),
        KeepOpen(),
        patch_response(10),
        ScriptedResponse(204),
    ]
    heard: list[ReceivedRequest] = []

    def answering(asked: ReceivedRequest) -> ScriptedAnswer:
        heard.append(asked)
        return left.pop(0)

    attempt, took = await told(HELD, answering)
    assert [asked.method for asked in heard] == ["POST", "HEAD", "PATCH", "DELETE"]
    assert (attempt.verdict, took) == ("inconclusive", 5)


TWICE = (
    f"{GIVEN}, {{ patch = {{ send = 10, faults = [{{ duplicate = true }}] }},"
    f' expect = [{{ status = 204, checks = "{OTHER}" }}] }}'
)


@pytest.mark.parametrize(
    "answers",
    [
        (patch_response(10), ScriptedResponse(409)),
        (ScriptedResponse(409), patch_response(10)),
        (patch_response(10), patch_response(10)),
    ],
    ids=["the first wins", "the second wins", "both do"],
)
async def test_of_a_request_sent_twice_the_better_answer_counts(
    answers: tuple[ScriptedAnswer, ...],
) -> None:
    answering, heard = script_answers(creation_response(), *answers, ScriptedResponse(204))
    attempt, _ = await told(TWICE, answering)
    assert [asked.method for asked in heard] == ["POST", "PATCH", "PATCH", "DELETE"]
    assert len(attempt.exchanges) == 3
    assert said(attempt) == [f"{OTHER} held 2"]


async def test_contents_of_a_dropped_response_are_unknown() -> None:
    steps = (
        f"{GIVEN}, {{ patch = {{ send = 10, faults = [{{ lose = 'reply' }}] }}, name = 'lost' }},"
        f' {{ head = {{}}, expect = [{{ header.Upload-Offset = "{{upload.offset+10}}",'
        f' checks = "{ROW}" }}] }}'
    )
    answering, heard = script_answers(
        creation_response(), patch_response(10), head_response(10), ScriptedResponse(204)
    )
    attempt, _ = await told(steps, answering)
    assert len(heard) == 4
    assert said(attempt) == [f"{ROW} held 3"]


async def test_an_upload_of_whose_creation_the_answer_was_lost_is_removed() -> None:
    steps = (
        "{ post = { of = 'a', length = 10, faults = [{ lose = 'reply' }] }, name = 'lost' },"
        f' {{ options = {{}}, expect = [{{ status = 204, checks = "{ROW}" }}] }}'
    )
    answering, heard = script_answers(
        creation_response("7"), ScriptedResponse(204), ScriptedResponse(204)
    )
    attempt, _ = await told(steps, answering)
    assert attempt.verdict == "pass"
    assert [(asked.method, asked.target) for asked in heard][2] == ("DELETE", "/files/7")
