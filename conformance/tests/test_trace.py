"""The latest exchanges with a target, of which a server that goes away is asked last."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from in_memory import URL, Answer, Asked, Closes, Says, Stays, server
from running import ran
from tiny import Tiny

from tus_conformance.target.trace import End, Traced
from tus_conformance.wire import Outgoing, Payload, Wire
from tus_conformance.wire.memory import serving

FILE = f"{URL}1"
HOLDING = Payload(length=4, chunks=lambda: iter([b"held"]))


def answering(asked: Asked) -> Answer:
    """Answer with 204, but for DELETE."""
    return Closes() if asked.method == "DELETE" else Says(204)


@asynccontextmanager
async def tracing() -> AsyncIterator[Traced]:
    """Yield a traced way to that server."""
    async with serving(server(answering)) as backend:
        yield Traced(Wire(timeout=5.0, backend=backend))


async def trace_of(*methods: str) -> End:
    """Send requests, and return the end of the trace."""
    async with tracing() as traced:
        for method in methods:
            await traced.send(Outgoing(method=method, url=FILE))
        return traced.end()


GET = f"the last answer before was 204, to GET {FILE}"
ENDS = [
    ((), "", "nothing was asked"),
    (("HEAD", "GET"), GET, "all was answered"),
    (("GET", "DELETE"), f"{GET}; the first request without one was DELETE {FILE}", "the end"),
    (("DELETE", "GET"), GET, "silence before an answer was no end"),
    (("DELETE",), f"the first request without one was DELETE {FILE}", "nothing was answered"),
]


@pytest.mark.parametrize(
    ("methods", "sentence"), [pytest.param(*case[:2], id=case[2]) for case in ENDS]
)
async def test_what_was_asked_last(methods: tuple[str, ...], sentence: str) -> None:
    assert (await trace_of(*methods)).sentence == sentence


async def test_a_request_that_the_suite_breaks_off_itself_is_not_an_unanswered_one() -> None:
    async with tracing() as traced:
        async with traced.hold(Outgoing(method="PATCH", url=FILE, payload=HOLDING)) as held:
            await held.feed(2)
            await traced.send(Outgoing(method="GET", url=FILE))
            await held.cut()
        assert traced.end().sentence == GET


async def test_a_request_that_was_held_is_remembered_with_its_answer() -> None:
    async with tracing() as traced:
        async with traced.hold(Outgoing(method="PATCH", url=FILE, payload=HOLDING)) as held:
            await traced.send(Outgoing(method="GET", url=FILE))
            await held.reply()
        assert traced.end().sentence == GET.replace("GET", "PATCH")


async def test_a_trace_begins_anew_when_it_was_asked() -> None:
    async with tracing() as traced:
        await traced.send(Outgoing(method="GET", url=FILE))
        assert traced.end().sentence == GET
        assert traced.end() == End()


class Falling(Tiny):
    """Goes away after it has answered a request of a method, until it is started again.

    That its process has ended shows only after so many looks.
    """

    def __init__(self, method: str, looks: int = 0, times: int = 1000) -> None:
        super().__init__()
        self.method = method
        self.looks = looks
        self.times = times
        self.gone = False
        self.looked = 0

    def __call__(self, asked: Asked) -> Answer:
        if self.gone:
            return Closes()
        if asked.method == self.method and self.times:
            self.gone, self.times = True, self.times - 1
        return super().__call__(asked)

    @property
    def fallen(self) -> bool:
        self.looked += 1
        return self.gone and self.looked > self.looks

    async def restart(self) -> str:
        self.gone, self.looked = False, 0
        return "The server's process ended with 1: killed."


async def test_a_fall_names_the_request_that_it_followed() -> None:
    """The scenario in which it was noticed may have nothing to do with it."""
    falling = Falling("GET")
    stories = ("core.patch.after-complete/none", "core.options.answer")
    found = await ran(falling, only=stories, known=falling)
    told = found.scenarios["always.server-keeps-running"]
    assert told.verdict == "warn"
    (attempt,) = told.attempts
    for check in attempt.checks:
        assert "the last answer before was 200, to GET " in check.actual
        assert check.exchange is not None
        assert attempt.exchanges[check.exchange].method == "GET"


@pytest.mark.parametrize("looks", [0, 3])
async def test_who_has_nothing_to_do_with_a_fall_is_told_again(looks: int) -> None:
    """A connection that is reset may be all that shows for a moment."""
    falling = Falling("GET", looks, times=1)
    found = await ran(falling, only=("core.options.answer",), known=falling)
    told = found.scenarios["core.options.answer"]
    assert (told.verdict, len(told.attempts)) == ("note", 1)  # it states no Tus-Max-Size
    assert found.scenarios["always.server-keeps-running"].verdict == "warn"


async def test_what_a_server_that_falls_each_time_does_not_answer_is_charged_once() -> None:
    """The second upload cannot be asked for, since the download of the first ends the server."""
    falling = Falling("GET")
    found = await ran(falling, only=("core.patch.isolation",), known=falling)
    told = found.scenarios["core.patch.isolation"]
    assert (told.verdict, told.reason) == (
        "blocked",
        "The server's process ended each time that this was told (always.server-keeps-running).",
    )
    assert found.failing() == set()
    assert not falling.gone


class Hanging(Tiny):
    """Answers nothing more once it was brought 40 bytes, until it is started again."""

    hangs = False
    fallen = False

    def __call__(self, asked: Asked) -> Answer:
        self.hangs |= len(asked.body) == 40
        return Stays() if self.hangs else super().__call__(asked)

    async def restart(self) -> str:
        self.hangs = False
        return "The server no longer answered, and had to be stopped."


async def test_a_server_that_hangs_each_time_owes_its_answers() -> None:
    hanging = Hanging()
    name = "interruption.patch.twice/small"
    found = await ran(hanging, only=(name,), known=hanging)
    told = found.scenarios[name]
    assert told.verdict == "fail"  # it is not answered for 30 seconds
    for attempt in told.attempts:
        assert attempt.checks[0].grade == "warn"
        assert "No answer came within 5 seconds" in attempt.checks[0].actual
    assert not hanging.hangs
