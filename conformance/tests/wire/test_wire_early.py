"""Answers that come before the body has gone out, and connections that end meanwhile."""

# ruff: noqa: ASYNC109 (the signatures are httpcore's)

from __future__ import annotations

import httpcore
import pytest
import trio
from trio.testing import lockstep_stream_pair
from wire.peers import Closes, Reads, exchange, patch

from tus_conformance.wire import Answer, Payload, Trouble, Wire
from tus_conformance.wire.memory import MemoryStream

HEAD_SENT = b"\r\n\r\n"
CONFLICT = b"HTTP/1.1 409 Conflict\r\nContent-Length: 4\r\n\r\nnope"
MIB = 1024 * 1024


def endless(length: int) -> Payload:
    return Payload(length, lambda: iter([bytes(65536)] * (length // 65536)), generated="zeros")


def acts(answer: Answer) -> list[str]:
    return [event.text for event in answer.exchange.events if event.kind == "act"]


async def test_an_answer_during_the_body_stops_the_body() -> None:
    # Lockstep: the client's next piece waits until the peer has read the one before, which after
    # its answer it never does.
    answer, _peer = await exchange(
        patch(payload=endless(100 * MIB)), Reads(HEAD_SENT), CONFLICT, pair=lockstep_stream_pair
    )
    assert (answer.status, answer.body, answer.failure) == (409, b"nope", None)
    assert answer.sent < 100 * MIB
    assert acts(answer) == [f"stopped after {answer.sent} body bytes: the answer had come"]


async def test_the_rest_of_an_early_answer_is_waited_for() -> None:
    answer, _ = await exchange(
        patch(payload=endless(100 * MIB)),
        Reads(HEAD_SENT),
        CONFLICT[:-2],
        CONFLICT[-2:],
        Closes(),
        pair=lockstep_stream_pair,
    )
    assert (answer.status, answer.body, answer.complete) == (409, b"nope", True)


async def test_an_interim_response_does_not_stop_the_body() -> None:
    answer, _peer = await exchange(
        patch(b"hello"),
        Reads(HEAD_SENT + b"hello"),
        b"HTTP/1.1 102 Processing\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\n\r\n",
    )
    assert (answer.status, answer.interim, answer.sent) == (204, (102,), 5)
    assert acts(answer) == []


class Broken(httpcore.AsyncNetworkBackend):
    """Connections that take the head, and then break as they are told."""

    def __init__(self, *, answers: bytes, then: type[Exception] | None) -> None:
        self.answers = answers
        self.then = then

    async def connect_tcp(self, *args: object, **details: object) -> BrokenStream:
        return BrokenStream(self)


class BrokenStream(MemoryStream):
    def __init__(self, script: Broken) -> None:
        self.script = script
        self.writes = 0
        self.broken = trio.Event()

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        await trio.lowlevel.checkpoint()
        self.writes += 1
        if self.writes > 1:
            self.broken.set()
            raise httpcore.WriteError("Broken pipe")

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        await self.broken.wait()
        if self.script.answers:
            said, self.script.answers = self.script.answers, b""
            return said
        if self.script.then is not None:
            raise self.script.then("Connection reset by peer")
        return b""

    async def aclose(self) -> None:
        await trio.lowlevel.checkpoint()


# What the peer still says after our write failed, how reading ends, and what comes of it.
BREAKS = {
    "the answer is still read after a failed write": (CONFLICT, None, 409, None),
    "nothing is read, and the stream ends": (b"", None, None, "closed"),
    "nothing is read, and the stream is reset": (b"", httpcore.ReadError, None, "reset"),
    "half an answer, and a reset": (CONFLICT[:-2], httpcore.ReadError, 409, "reset"),
}


@pytest.mark.parametrize(("answers", "then", "status", "failure"), BREAKS.values(), ids=BREAKS)
async def test_a_failed_write_is_not_the_end(
    answers: bytes, then: type[Exception] | None, status: int | None, failure: Trouble | None
) -> None:
    wire = Wire(backend=Broken(answers=answers, then=then))
    answer = await wire.send(patch(b"hello"))
    assert answer.status == status
    assert (answer.failure.kind if answer.failure else None) == failure
    assert answer.closed == (failure is not None)
    assert answer.sent == 0
    assert any(
        event.kind == "failed" and event.text.startswith("writing: ")
        for event in answer.exchange.events
    )
