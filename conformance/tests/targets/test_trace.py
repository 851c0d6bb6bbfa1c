"""`targets.trace`: the latest exchanges, and which of them a crash is charged to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from memory_run import run_suite_in_memory
from minimal_server import MinimalServer
from scripted_server import (
    URL,
    CloseWithoutReply,
    KeepOpen,
    ReceivedRequest,
    ScriptedAnswer,
    ScriptedResponse,
    serve_answers,
)

from tus_conformance.targets.trace import LastExchanges, TracedTransport
from tus_conformance.transport import Http1Transport, HttpRequest, Payload
from tus_conformance.transport.memory import memory_network

FILE = f"{URL}1"
HOLDING = Payload(length=4, chunks=lambda: iter([b"held"]))


def answering(asked: ReceivedRequest) -> ScriptedAnswer:
    """Answer with 204, but for DELETE."""
    return CloseWithoutReply() if asked.method == "DELETE" else ScriptedResponse(204)


@asynccontextmanager
async def open_traced_transport() -> AsyncIterator[TracedTransport]:
    """Yield a traced way to that server."""
    async with memory_network(serve_answers(answering)) as backend:
        yield TracedTransport(Http1Transport(timeout=5.0, backend=backend))


async def trace_requests(*methods: str) -> LastExchanges:
    """Send requests, and return the end of the trace."""
    async with open_traced_transport() as traced:
        for method in methods:
            await traced.send(HttpRequest(method=method, url=FILE))
        return traced.take_last_exchanges()


GET = f"the last response was 204, to GET {FILE}"
ENDS = [
    ((), "", "nothing was asked"),
    (("HEAD", "GET"), GET, "all was answered"),
    (
        ("GET", "DELETE"),
        f"{GET}; the first request without a response was DELETE {FILE}",
        "the end",
    ),
    (("DELETE", "GET"), GET, "silence before an answer was no end"),
    (
        ("DELETE",),
        f"the first request without a response was DELETE {FILE}",
        "nothing was answered",
    ),
]


@pytest.mark.parametrize(
    ("methods", "sentence"), [pytest.param(*case[:2], id=case[2]) for case in ENDS]
)
async def test_what_was_asked_last(methods: tuple[str, ...], sentence: str) -> None:
    assert (await trace_requests(*methods)).summary == sentence


async def test_a_request_that_the_suite_breaks_off_itself_is_not_an_unanswered_one() -> None:
    async with open_traced_transport() as traced:
        async with traced.open(HttpRequest(method="PATCH", url=FILE, payload=HOLDING)) as held:
            await held.send_body(2)
            await traced.send(HttpRequest(method="GET", url=FILE))
            await held.cut()
        assert traced.take_last_exchanges().summary == GET


async def test_pending_request_is_traced_with_its_response() -> None:
    async with open_traced_transport() as traced:
        async with traced.open(HttpRequest(method="PATCH", url=FILE, payload=HOLDING)) as held:
            await traced.send(HttpRequest(method="GET", url=FILE))
            await held.finish()
        assert traced.take_last_exchanges().summary == GET.replace("GET", "PATCH")


async def test_taking_the_last_exchanges_clears_the_trace() -> None:
    async with open_traced_transport() as traced:
        await traced.send(HttpRequest(method="GET", url=FILE))
        assert traced.take_last_exchanges().summary == GET
        assert traced.take_last_exchanges() == LastExchanges()


class ExitingServer(MinimalServer):
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

    def __call__(self, asked: ReceivedRequest) -> ScriptedAnswer:
        if self.gone:
            return CloseWithoutReply()
        if asked.method == self.method and self.times:
            self.gone, self.times = True, self.times - 1
        return super().__call__(asked)

    @property
    def has_exited(self) -> bool:
        self.looked += 1
        return self.gone and self.looked > self.looks

    async def restart(self) -> str:
        self.gone, self.looked = False, 0
        return "The server's process exited with 1: killed."


async def test_a_fall_names_the_request_that_it_followed() -> None:
    """The scenario in which it was noticed may have nothing to do with it."""
    falling = ExitingServer("GET")
    stories = ("core.patch.after-complete/none", "core.options.answer")
    found = await run_suite_in_memory(falling, only=stories, known=falling)
    told = found.scenarios["always.server-keeps-running"]
    assert told.verdict == "fail"
    (attempt,) = told.attempts
    for check in attempt.checks:
        assert "the last response was 200, to GET " in check.actual
        assert check.exchange is not None
        assert attempt.exchanges[check.exchange].method == "GET"


@pytest.mark.parametrize("looks", [0, 3])
async def test_a_scenario_unrelated_to_a_crash_is_repeated(looks: int) -> None:
    """A connection that is reset may be all that shows for a moment."""
    falling = ExitingServer("GET", looks, times=1)
    found = await run_suite_in_memory(falling, only=("core.options.answer",), known=falling)
    told = found.scenarios["core.options.answer"]
    assert (told.verdict, len(told.attempts)) == ("note", 1)  # it states no Tus-Max-Size
    assert found.scenarios["always.server-keeps-running"].verdict == "fail"


async def test_what_a_server_that_falls_each_time_does_not_answer_is_charged_once() -> None:
    """The second upload cannot be asked for, since the download of the first ends the server."""
    falling = ExitingServer("GET")
    found = await run_suite_in_memory(falling, only=("core.patch.isolation",), known=falling)
    told = found.scenarios["core.patch.isolation"]
    assert (told.verdict, told.reason) == (
        "blocked",
        "The server's process exited in every attempt (always.server-keeps-running).",
    )
    assert found.failed_requirements() == {"http.server-keeps-running"}
    assert not falling.gone


class Hanging(MinimalServer):
    """Answers nothing more once it was brought 40 bytes, until it is started again."""

    hangs = False
    has_exited = False

    def __call__(self, asked: ReceivedRequest) -> ScriptedAnswer:
        self.hangs |= len(asked.body) == 40
        return KeepOpen() if self.hangs else super().__call__(asked)

    async def restart(self) -> str:
        self.hangs = False
        return "The server stopped responding and was stopped."


async def test_a_server_that_hangs_each_time_owes_its_answers() -> None:
    hanging = Hanging()
    name = "interruption.patch.twice/small"
    found = await run_suite_in_memory(hanging, only=(name,), known=hanging)
    told = found.scenarios[name]
    assert told.verdict == "fail"  # it is not answered for 30 seconds
    for attempt in told.attempts:
        assert attempt.checks[0].grade == "warn"
        assert "No response arrived within 5 seconds" in attempt.checks[0].actual
    assert not hanging.hangs
