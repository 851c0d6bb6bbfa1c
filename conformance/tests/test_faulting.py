"""Fault plans in a telling: what goes out, what is judged, and what is known afterwards."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from in_memory import (
    Answer,
    Answering,
    Asked,
    Says,
    Stays,
    able,
    created,
    script,
    session,
    stands,
    stored,
    story,
)

from tus_conformance.dialogue.composing import Composer
from tus_conformance.dialogue.content import Generated
from tus_conformance.dialogue.references import References
from tus_conformance.dialogue.session import Session
from tus_conformance.dialogue.uploads import Upload
from tus_conformance.telling.replay import replay
from tus_conformance.wire import Break, Cut, Fault, Pace, Split, Stall
from tus_reports import Attempt
from tus_scenarios import Cut as WrittenCut
from tus_scenarios import Fault as Written
from tus_scenarios import Request

ROW, OTHER = "core.head.upload-offset", "core.patch.success-204"
GIVEN = "{ given = { length = 10 } }"


def plan(*faults: Written, **more: Any) -> Request:
    """Return a PATCH of ten bytes with these faults."""
    return Request(offset=0, send=10, faults=faults, **more)


async def composer(here: Session) -> Composer:
    """Return a composer that knows one upload and one parameter."""
    upload = Upload("upload", "http://tus.test/files/1", Generated("k"), length=10)
    return Composer(References(here, {"cut": "3"}, {"upload": upload}, {}), "k")


OUT: dict[str, tuple[Request, tuple[Fault, ...]]] = {
    "a cut": (plan(Written(cut="rst", at=4)), (Fault(Break("rst"), "4"),)),
    "a half-close": (plan(Written(cut="half", at="last")), (Fault(Break("half"), "last"),)),
    "in the head": (
        plan(Written(cut="fin", at="50%", inside="head")),
        (Fault(Break("fin"), "50%", "head"),),
    ),
    "a stall": (plan(Written(stall=2, at="{cut}")), (Fault(Stall(2), "3"),)),
    "a throttle": (plan(Written(throttle=9)), (Fault(Pace(rate=9), "0"),)),
    "small writes": (plan(Written(pieces=1)), (Fault(Pace(piece=1), "0"),)),
    "a split": (plan(Written(split=True, at="first")), (Fault(Split(), "first"),)),
    "several, in order": (
        plan(Written(split=True, at=1), Written(stall=1, at=1)),
        (Fault(Split(), "1"), Fault(Stall(1), "1")),
    ),
    "what is done to the whole request is no act on its way": (
        plan(Written(duplicate=True), Written(lose="reply")),
        (),
    ),
}


@pytest.mark.parametrize(("request_", "faults"), OUT.values(), ids=OUT)
async def test_faults_go_out_with_the_message(request_: Request, faults: tuple[Fault]) -> None:
    async with session(script()[0]) as here:
        outgoing, _ = (await composer(here)).compose("PATCH", request_)
    assert outgoing.faults == faults
    assert outgoing.lose is any(each.lose is not None for each in request_.faults)
    assert outgoing.line is None


async def test_a_cut_takes_any_position() -> None:
    async with session(script()[0]) as here:
        composed = await composer(here)
        for after, place in (("last-but-one", 9), ("-4", 6), ("{cut}", 3), (99, 10)):
            request = Request(offset=0, send=10, cut=WrittenCut(after=after))
            assert composed.compose("PATCH", request)[0].cut == Cut(place)


async def test_requests_over_the_kept_connection_share_one() -> None:
    async with session(script()[0]) as here:
        composed = await composer(here)
        first, _ = composed.compose("PATCH", plan(connection="kept"))
        second, _ = composed.compose("HEAD", Request(connection="kept"))
    assert first.line is second.line is not None


async def told(steps: str, answering: Answering) -> tuple[Attempt, float]:
    """Replay a story; return what was found, and the seconds it took on the mock clock."""
    began = trio.current_time()
    async with session(answering, discovery=able("termination")) as here:
        attempt = await replay(story(steps), here)
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


async def test_a_step_stands_still_until_another_is_answered() -> None:
    answering, heard = script(created(), stands(0), stored(10), Says(204))
    attempt, took = await told(HELD, answering)
    assert [asked.method for asked in heard] == ["POST", "HEAD", "PATCH", "DELETE"]
    assert said(attempt) == [f"{ROW} held 3", f"{OTHER} held 2"]
    assert took == 0


async def test_a_step_goes_on_when_the_other_is_not_answered() -> None:
    """A server may let the newer request wait; the time is what the stall says."""
    left: list[Answer] = [created(), Stays(), stored(10), Says(204)]
    heard: list[Asked] = []

    def answering(asked: Asked) -> Answer:
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
    [(stored(10), Says(409)), (Says(409), stored(10)), (stored(10), stored(10))],
    ids=["the first wins", "the second wins", "both do"],
)
async def test_of_a_request_sent_twice_the_better_answer_counts(
    answers: tuple[Answer, ...],
) -> None:
    answering, heard = script(created(), *answers, Says(204))
    attempt, _ = await told(TWICE, answering)
    assert [asked.method for asked in heard] == ["POST", "PATCH", "PATCH", "DELETE"]
    assert len(attempt.exchanges) == 3
    assert said(attempt) == [f"{OTHER} held 2"]


async def test_what_a_lost_answer_told_is_not_known() -> None:
    steps = (
        f"{GIVEN}, {{ patch = {{ send = 10, faults = [{{ lose = 'reply' }}] }}, name = 'lost' }},"
        f' {{ head = {{}}, expect = [{{ header.Upload-Offset = "{{upload.offset+10}}",'
        f' checks = "{ROW}" }}] }}'
    )
    answering, heard = script(created(), stored(10), stands(10), Says(204))
    attempt, _ = await told(steps, answering)
    assert len(heard) == 4
    assert said(attempt) == [f"{ROW} held 3"]


async def test_an_upload_of_whose_creation_the_answer_was_lost_is_removed() -> None:
    steps = (
        "{ post = { of = 'a', length = 10, faults = [{ lose = 'reply' }] }, name = 'lost' },"
        f' {{ options = {{}}, expect = [{{ status = 204, checks = "{ROW}" }}] }}'
    )
    answering, heard = script(created("7"), Says(204), Says(204))
    attempt, _ = await told(steps, answering)
    assert attempt.verdict == "pass"
    assert [(asked.method, asked.target) for asked in heard][2] == ("DELETE", "/files/7")
