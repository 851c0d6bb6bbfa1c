"""`transport.pending_request`: responses before the body is sent, and connections that end."""

# ruff: noqa: ASYNC109 (the signatures are httpcore's)

from __future__ import annotations

import httpcore
import pytest
import trio
from scripted_peer import PeerClose, ReadUntil, patch_request, send_to_peer
from trio.testing import lockstep_stream_pair, memory_stream_pair

from tus_conformance.transport import FailureKind, Http1Transport, HttpResponse, Payload
from tus_conformance.transport.memory import MemoryStream

HEAD_SENT = b"\r\n\r\n"
CONFLICT = b"HTTP/1.1 409 Conflict\r\nContent-Length: 4\r\n\r\nnope"
MIB = 1024 * 1024


def endless(length: int) -> Payload:
    return Payload(length, lambda: iter([bytes(65536)] * (length // 65536)), generated="zeros")


def harness_acts(http_response: HttpResponse) -> list[str]:
    return [event.text for event in http_response.exchange.events if event.event == "action"]


async def test_an_answer_during_the_body_stops_the_body() -> None:
    # Lockstep: the client's next piece waits until the peer has read the one before, which after
    # its answer it never does.
    http_response, _peer = await send_to_peer(
        patch_request(payload=endless(100 * MIB)),
        ReadUntil(HEAD_SENT),
        CONFLICT,
        pair=lockstep_stream_pair,
    )
    assert (http_response.status, http_response.body, http_response.failure) == (409, b"nope", None)
    assert http_response.sent < 100 * MIB
    assert harness_acts(http_response) == [
        f"stopped after {http_response.sent} body bytes: the response had arrived"
    ]


async def test_the_rest_of_an_early_answer_is_waited_for() -> None:
    http_response, _ = await send_to_peer(
        patch_request(payload=endless(100 * MIB)),
        ReadUntil(HEAD_SENT),
        CONFLICT[:-2],
        CONFLICT[-2:],
        PeerClose(),
        pair=lockstep_stream_pair,
    )
    assert (http_response.status, http_response.body, http_response.complete) == (
        409,
        b"nope",
        True,
    )


async def test_an_interim_response_does_not_stop_the_body() -> None:
    http_response, _peer = await send_to_peer(
        patch_request(b"hello"),
        ReadUntil(HEAD_SENT + b"hello"),
        b"HTTP/1.1 102 Processing\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\n\r\n",
    )
    assert (http_response.status, http_response.interim, http_response.sent) == (204, (102,), 5)
    assert harness_acts(http_response) == []


class BrokenBackend(httpcore.AsyncNetworkBackend):
    """Connections that take the head, and then break as they are told."""

    def __init__(self, *, answers: bytes, then: type[Exception] | None) -> None:
        self.answers = answers
        self.then = then

    async def connect_tcp(self, *args: object, **details: object) -> BrokenStream:
        return BrokenStream(self)


class BrokenStream(MemoryStream):
    def __init__(self, script: BrokenBackend) -> None:
        near, _ = memory_stream_pair()
        super().__init__(near)
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
    answers: bytes, then: type[Exception] | None, status: int | None, failure: FailureKind | None
) -> None:
    transport = Http1Transport(backend=BrokenBackend(answers=answers, then=then))
    http_response = await transport.send(patch_request(b"hello"))
    assert http_response.status == status
    assert (http_response.failure.kind if http_response.failure else None) == failure
    assert http_response.closed == (failure is not None)
    assert http_response.sent == 0
    assert any(
        event.event == "failed" and event.text.startswith("writing: ")
        for event in http_response.exchange.events
    )
