"""`transport.pending_faults`: what the server sees of each fault, its record, its duration."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NoReturn

import pytest
import trio
from scripted_peer import scripted_peer
from trio.testing import MockClock, lockstep_stream_pair, memory_stream_pair

from tus_conformance.transport import (
    Break,
    Http1Transport,
    HttpRequest,
    HttpResponse,
    InjectedFault,
    Payload,
    PersistentConnection,
    SplitWrite,
    Stall,
    Throttle,
    UnsendableError,
)
from tus_conformance.transport.httpx_transport import HttpxTransport
from tus_conformance.transport.memory import MakeStreamPair, memory_network

URL = "http://tus.test/files/1"
TEN = b"0123456789"
DONE = b"HTTP/1.1 204 No Content\r\n\r\n"
HEAD = b"PATCH /files/1 HTTP/1.1\r\nHost: tus.test\r\nContent-Length: 10\r\n\r\n"
CHUNKED = b"PATCH /files/1 HTTP/1.1\r\nHost: tus.test\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, MockClock]]:
    return "trio", {"clock": MockClock(autojump_threshold=0)}


@dataclass
class RecordingPeer:
    """Reads to the end of the stream, answering once it has heard `until`, or the end."""

    until: bytes = TEN
    reads: list[tuple[float, bytes]] = field(default_factory=list)
    ended: trio.Event = field(default_factory=trio.Event)

    @property
    def heard(self) -> bytes:
        """Return all bytes that came."""
        return b"".join(data for _, data in self.reads)

    async def serve(self, stream: trio.abc.Stream) -> None:
        """Read, and answer once."""
        answered = False
        while data := bytes(await stream.receive_some()):
            self.reads.append((trio.current_time(), data))
            if self.heard.endswith(self.until) and not answered:
                answered = True
                await stream.send_all(DONE)
        self.ended.set()
        if not answered:
            await stream.send_all(DONE)


def patch(*faults: InjectedFault, **more: Any) -> HttpRequest:
    """Return a PATCH of ten bytes with these faults."""
    return HttpRequest("PATCH", URL, (), Payload.literal(TEN), faults=faults, **more)


async def send_timed(
    http_request: HttpRequest, far: RecordingPeer, pair: MakeStreamPair = lockstep_stream_pair
) -> tuple[HttpResponse, float]:
    """Return the answer, and the seconds it took; the far end must see the connection end.

    By default a writer is held back until the far end has read: every write is a read of its own.
    """
    began = trio.current_time()
    async with memory_network(far.serve, pair) as backend:
        http_response = await Http1Transport(backend=backend, timeout=10).send(http_request)
        took = trio.current_time() - began
        with trio.fail_after(5):
            await far.ended.wait()
    return http_response, took


def harness_acts(http_response: HttpResponse) -> list[str]:
    """Return what the record says that the harness did."""
    return [event.text for event in http_response.exchange.events if event.event == "action"]


ENDED: dict[str, tuple[HttpRequest, bytes, str]] = {
    "a cut in the body": (
        patch(InjectedFault(Break("rst"), 4)),
        HEAD + b"0123",
        "cut after 4 body bytes by RST",
    ),
    "a cut at a share": (
        patch(InjectedFault(Break(), "50%")),
        HEAD + b"01234",
        "5 body bytes by FIN",
    ),
    "a cut before the last byte": (
        patch(InjectedFault(Break(), "last-but-one")),
        HEAD + b"012345678",
        "cut after 9 body bytes by FIN",
    ),
    "a cut within a header": (
        patch(InjectedFault(Break(), 30, "head")),
        HEAD[:30],
        "cut after 30 bytes of the head by FIN",
    ),
    "a cut before the last line feed of the head": (
        patch(InjectedFault(Break("rst"), "-1", "head")),
        HEAD[:-1],
        f"cut after {len(HEAD) - 1} bytes of the head by RST",
    ),
    "a cut within a trailer": (
        patch(InjectedFault(Break(), 8, "end"), framing="chunked", trailers=(("A", "b"),)),
        CHUNKED + b"a\r\n0123456789\r\n0\r\nA: b\r",
        "cut after 8 bytes of the end of the body by FIN",
    ),
    "a cut before the last chunk": (
        patch(InjectedFault(Break(), 0, "end"), framing="chunked"),
        CHUNKED + b"a\r\n0123456789\r\n",
        "cut after 0 bytes of the end of the body by FIN",
    ),
}


@pytest.mark.parametrize(("http_request", "heard", "act"), ENDED.values(), ids=ENDED)
async def test_the_connection_ends_just_there(
    http_request: HttpRequest, heard: bytes, act: str
) -> None:
    far = RecordingPeer(until=b"never")
    http_response, took = await send_timed(http_request, far)
    assert far.heard == heard
    assert (http_response.cut, http_response.status, took) == (True, None, 0)
    assert len(harness_acts(http_response)) == 1
    assert harness_acts(http_response)[0].endswith(act)


async def test_a_half_closed_connection_still_brings_the_answer() -> None:
    far = RecordingPeer(until=b"never")
    http_response, _ = await send_timed(patch(InjectedFault(Break("half"), 4)), far)
    assert far.heard == HEAD + b"0123"
    assert (http_response.status, http_response.cut, http_response.sent) == (204, False, 4)
    assert harness_acts(http_response)[0] == "half-closed after 4 body bytes"


PACED: dict[str, tuple[tuple[InjectedFault, ...], list[tuple[float, bytes]], str]] = {
    "a stall": (
        (InjectedFault(Stall(3), 4),),
        [(0, HEAD), (0, b"0123"), (3, b"456789")],
        "stalled for 3 seconds after 4 body bytes",
    ),
    "a stall longer than the patience with silence": (
        (InjectedFault(Stall(60), 4),),
        [(0, HEAD), (0, b"0123"), (60, b"456789")],
        "stalled for 60 seconds after 4 body bytes",
    ),
    "a stall within the head": (
        (InjectedFault(Stall(2), 10, "head"),),
        [(0, HEAD[:10]), (2, HEAD[10:]), (2, TEN)],
        "stalled for 2 seconds after 10 bytes of the head",
    ),
    "one byte a write": (
        (InjectedFault(Throttle(write_size=1)),),
        [(0, HEAD), *((0, TEN[at : at + 1]) for at in range(10))],
        "at most 1 bytes per write after 0 body bytes",
    ),
    "a throttle": (
        (InjectedFault(Throttle(rate=2), "50%"),),
        [(0, HEAD), (0, b"01234"), *((n / 2, TEN[5 + n : 6 + n]) for n in range(5))],
        "at most 2 bytes per second after 5 body bytes",
    ),
    "a split": (
        (InjectedFault(SplitWrite(), 1), InjectedFault(SplitWrite(), "-1")),
        [(0, HEAD), (0, b"0"), (0, b"12345678"), (0, b"9")],
        "split a write after 1 body byte",
    ),
    "a stall and a cut at one place": (
        (InjectedFault(Stall(1), 4), InjectedFault(Break(), 4)),
        [(0, HEAD), (0, b"0123")],
        "stalled for 1 seconds after 4 body bytes",
    ),
}


@pytest.mark.parametrize(("faults", "reads", "act"), PACED.values(), ids=PACED)
async def test_bytes_arrive_at_the_throttled_rate(
    faults: tuple[InjectedFault, ...], reads: list[tuple[float, bytes]], act: str
) -> None:
    far = RecordingPeer()
    http_response, took = await send_timed(patch(*faults), far)
    assert [data for _, data in far.reads] == [data for _, data in reads]
    assert [when for when, _ in far.reads] == pytest.approx([when for when, _ in reads])
    assert harness_acts(http_response)[0] == act
    assert (http_response.status, http_response.failure) == (
        None if http_response.cut else 204,
        None,
    )
    assert took >= reads[-1][0]


async def test_an_answer_ends_a_stall() -> None:
    http_response, took = await send_timed(
        patch(InjectedFault(Stall(60), 4)), RecordingPeer(until=b"0123"), memory_stream_pair
    )
    assert (http_response.status, http_response.sent, took) == (204, 4, 0)


async def test_an_answer_that_came_first_is_not_cut_off() -> None:
    far = RecordingPeer(until=b"0123")
    plan = (InjectedFault(Stall(5), 4), InjectedFault(Break(), "last"))
    http_response, _ = await send_timed(patch(*plan), far, memory_stream_pair)
    assert (http_response.status, http_response.cut, http_response.sent) == (204, False, 4)


async def test_a_lost_answer_is_in_the_record_and_nowhere_else() -> None:
    far = RecordingPeer()
    http_response, _ = await send_timed(patch(drop_response=True), far, memory_stream_pair)
    assert far.heard == HEAD + TEN
    assert (
        http_response.status,
        http_response.headers,
        http_response.complete,
        http_response.cut,
    ) == (None, (), False, True)
    assert (http_response.sent, http_response.failure) == (10, None)
    assert http_response.exchange.response is not None
    assert http_response.exchange.response.status == 204
    assert harness_acts(http_response) == ["dropped the response unread"]


async def test_an_answer_that_never_comes_is_not_lost() -> None:
    http_response, took = await send_timed(patch(drop_response=True), RecordingPeer(until=b"never"))
    assert (http_response.timed_out, http_response.cut, took) == (True, False, 10)


async def test_a_silent_server_is_given_up_after_a_stall() -> None:
    """The stall is no part of the patience, which begins anew behind it."""
    http_response, took = await send_timed(
        patch(InjectedFault(Stall(30), 4)), RecordingPeer(until=b"never")
    )
    assert (http_response.timed_out, took) == (True, 40)


KEPT = b"HTTP/1.1 409 Conflict\r\nContent-Length: 0\r\n\r\n"
CLOSING = b"HTTP/1.1 409 Conflict\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
LINED: dict[str, tuple[bytes, list[bytes]]] = {
    "a connection that stays open": (KEPT, [HEAD + TEN + b"HEAD"]),
    "one that the server is going to close": (CLOSING, [HEAD + TEN, b"HEAD"]),
}


@pytest.mark.parametrize(("refusal", "expected"), LINED.values(), ids=LINED)
async def test_a_kept_connection_is_used_again(refusal: bytes, expected: list[bytes]) -> None:
    connections: list[bytes] = []

    async def serve(stream: trio.abc.Stream) -> None:
        connections.append(b"")
        while data := bytes(await stream.receive_some()):
            connections[-1] += data if not data.startswith(b"HEAD") else b"HEAD"
            if connections[-1].endswith(TEN):
                await stream.send_all(refusal)
            elif connections[-1].endswith(b"HEAD"):
                await stream.send_all(DONE)

    line = PersistentConnection()
    async with memory_network(serve) as backend:
        transport = Http1Transport(backend=backend)
        first = await transport.send(patch(connection=line))
        second = await transport.send(HttpRequest("HEAD", URL, connection=line))
        await line.aclose()
    assert (first.status, second.status) == (409, 204)
    assert connections == expected
    assert ("over the persistent connection" in harness_acts(second)) is (len(expected) == 1)


async def test_a_connection_that_was_closed_without_notice_is_not_used_again() -> None:
    """Every method may use a new one: nothing of the request was sent."""
    far = scripted_peer(KEPT)
    line = PersistentConnection()
    async with memory_network(far.serve) as backend:
        assert (await Http1Transport(backend=backend).send(patch(connection=line))).status == 409
    again = RecordingPeer(until=TEN)
    async with memory_network(again.serve) as backend:
        http_response = await Http1Transport(backend=backend).send(patch(connection=line))
        await line.aclose()
    assert http_response.status == 204


@pytest.mark.parametrize(
    ("method", "status"), [("HEAD", 204), ("DELETE", 204), ("PATCH", None)], ids=str
)
async def test_what_is_idempotent_is_sent_again_if_its_connection_ends(
    method: str, status: int | None
) -> None:
    """A PATCH may have been carried out (RFC 9110, section 9.2.2)."""
    connections = 0

    async def serve(stream: trio.abc.Stream) -> None:
        nonlocal connections
        connections += 1
        await stream.receive_some()
        await stream.send_all(DONE)
        await stream.receive_some()  # the connection ends when the next request has come

    line = PersistentConnection()
    async with memory_network(serve) as backend:
        transport = Http1Transport(backend=backend)
        first = await transport.send(HttpRequest("HEAD", URL, connection=line))
        second = await transport.send(HttpRequest(method, URL, connection=line))
        await line.aclose()
    assert (first.status, second.status) == (204, status)
    assert connections == (1 if status is None else 2)


UNSUPPORTED = {
    "a cut in the head": patch(InjectedFault(Break(), 3, "head")),
    "a half-close": patch(InjectedFault(Break("half"), 3)),
    "a lost answer": patch(drop_response=True),
    "a kept connection": patch(connection=PersistentConnection()),
}


@pytest.mark.parametrize("http_request", UNSUPPORTED.values(), ids=UNSUPPORTED)
async def test_httpx_refuses_unsupported_faults(http_request: HttpRequest) -> None:
    async def serve(stream: trio.abc.Stream) -> NoReturn:
        raise AssertionError("nothing is sent")

    async with memory_network(serve) as backend:
        with pytest.raises(UnsendableError, match=r"over HTTP/1\.1 without a proxy"):
            await HttpxTransport(backend=backend).send(http_request)


async def test_httpx_stalls_throttles_and_splits_too() -> None:
    far = RecordingPeer()
    faults = (
        InjectedFault(SplitWrite(), 2),
        InjectedFault(Stall(20), 4),
        InjectedFault(Throttle(rate=2), 8),
    )
    async with memory_network(far.serve, lockstep_stream_pair) as backend:
        http_response = await HttpxTransport(backend=backend, timeout=10).send(patch(*faults))
    assert [(when, data) for when, data in far.reads if data in TEN] == [
        (0, b"01"),
        (0, b"23"),
        (20, b"4567"),
        (20, b"8"),
        (20.5, b"9"),
    ]
    assert http_response.status == 204
    assert len(harness_acts(http_response)) == 3
