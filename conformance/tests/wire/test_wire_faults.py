"""Faults: what the far end sees of each, what the record says, and how long it takes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NoReturn

import pytest
import trio
from trio.testing import MockClock, lockstep_stream_pair, memory_stream_pair
from wire.peers import peer

from tus_conformance.wire import (
    Answer,
    Break,
    Fault,
    Line,
    Outgoing,
    Pace,
    Payload,
    Split,
    Stall,
    UnsendableError,
    Wire,
)
from tus_conformance.wire.courier import Courier
from tus_conformance.wire.memory import Pair, serving

URL = "http://tus.test/files/1"
TEN = b"0123456789"
DONE = b"HTTP/1.1 204 No Content\r\n\r\n"
HEAD = b"PATCH /files/1 HTTP/1.1\r\nHost: tus.test\r\nContent-Length: 10\r\n\r\n"
CHUNKED = b"PATCH /files/1 HTTP/1.1\r\nHost: tus.test\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, MockClock]]:
    return "trio", {"clock": MockClock(autojump_threshold=0)}


@dataclass
class Far:
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


def patch(*faults: Fault, **more: Any) -> Outgoing:
    """Return a PATCH of ten bytes with these faults."""
    return Outgoing("PATCH", URL, (), Payload.literal(TEN), faults=faults, **more)


async def told(
    outgoing: Outgoing, far: Far, pair: Pair = lockstep_stream_pair
) -> tuple[Answer, float]:
    """Return the answer, and the seconds it took; the far end must see the connection end.

    By default a writer is held back until the far end has read: every write is a read of its own.
    """
    began = trio.current_time()
    async with serving(far.serve, pair) as backend:
        answer = await Wire(backend=backend, timeout=10).send(outgoing)
        took = trio.current_time() - began
        with trio.fail_after(5):
            await far.ended.wait()
    return answer, took


def acts(answer: Answer) -> list[str]:
    """Return what the record says that the harness did."""
    return [event.text for event in answer.exchange.events if event.kind == "act"]


ENDED: dict[str, tuple[Outgoing, bytes, str]] = {
    "a cut in the body": (
        patch(Fault(Break("rst"), 4)),
        HEAD + b"0123",
        "cut after 4 body bytes by RST",
    ),
    "a cut at a share": (patch(Fault(Break(), "50%")), HEAD + b"01234", "5 body bytes by FIN"),
    "a cut before the last byte": (
        patch(Fault(Break(), "last-but-one")),
        HEAD + b"012345678",
        "cut after 9 body bytes by FIN",
    ),
    "a cut within a header": (
        patch(Fault(Break(), 30, "head")),
        HEAD[:30],
        "cut after 30 bytes of the head by FIN",
    ),
    "a cut before the last line feed of the head": (
        patch(Fault(Break("rst"), "-1", "head")),
        HEAD[:-1],
        f"cut after {len(HEAD) - 1} bytes of the head by RST",
    ),
    "a cut within a trailer": (
        patch(Fault(Break(), 8, "end"), framing="chunked", trailers=(("A", "b"),)),
        CHUNKED + b"a\r\n0123456789\r\n0\r\nA: b\r",
        "cut after 8 bytes of the end of the body by FIN",
    ),
    "a cut before the last chunk": (
        patch(Fault(Break(), 0, "end"), framing="chunked"),
        CHUNKED + b"a\r\n0123456789\r\n",
        "cut after 0 bytes of the end of the body by FIN",
    ),
}


@pytest.mark.parametrize(("outgoing", "heard", "act"), ENDED.values(), ids=ENDED)
async def test_the_connection_ends_just_there(outgoing: Outgoing, heard: bytes, act: str) -> None:
    far = Far(until=b"never")
    answer, took = await told(outgoing, far)
    assert far.heard == heard
    assert (answer.cut, answer.status, took) == (True, None, 0)
    assert len(acts(answer)) == 1
    assert acts(answer)[0].endswith(act)


async def test_a_half_closed_connection_still_brings_the_answer() -> None:
    far = Far(until=b"never")
    answer, _ = await told(patch(Fault(Break("half"), 4)), far)
    assert far.heard == HEAD + b"0123"
    assert (answer.status, answer.cut, answer.sent) == (204, False, 4)
    assert acts(answer)[0] == "half-closed after 4 body bytes"


PACED: dict[str, tuple[tuple[Fault, ...], list[tuple[float, bytes]], str]] = {
    "a stall": (
        (Fault(Stall(3), 4),),
        [(0, HEAD), (0, b"0123"), (3, b"456789")],
        "stood still for 3 seconds after 4 body bytes",
    ),
    "a stall longer than the patience with silence": (
        (Fault(Stall(60), 4),),
        [(0, HEAD), (0, b"0123"), (60, b"456789")],
        "stood still for 60 seconds after 4 body bytes",
    ),
    "a stall within the head": (
        (Fault(Stall(2), 10, "head"),),
        [(0, HEAD[:10]), (2, HEAD[10:]), (2, TEN)],
        "stood still for 2 seconds after 10 bytes of the head",
    ),
    "one byte a write": (
        (Fault(Pace(piece=1)),),
        [(0, HEAD), *((0, TEN[at : at + 1]) for at in range(10))],
        "at most 1 bytes a write after 0 body bytes",
    ),
    "a throttle": (
        (Fault(Pace(rate=2), "50%"),),
        [(0, HEAD), (0, b"01234"), *((n / 2, TEN[5 + n : 6 + n]) for n in range(5))],
        "at most 2 bytes a second after 5 body bytes",
    ),
    "a split": (
        (Fault(Split(), 1), Fault(Split(), "-1")),
        [(0, HEAD), (0, b"0"), (0, b"12345678"), (0, b"9")],
        "split a write after 1 body byte",
    ),
    "a stall and a cut at one place": (
        (Fault(Stall(1), 4), Fault(Break(), 4)),
        [(0, HEAD), (0, b"0123")],
        "stood still for 1 seconds after 4 body bytes",
    ),
}


@pytest.mark.parametrize(("faults", "reads", "act"), PACED.values(), ids=PACED)
async def test_bytes_arrive_at_the_pace_that_is_asked_for(
    faults: tuple[Fault, ...], reads: list[tuple[float, bytes]], act: str
) -> None:
    far = Far()
    answer, took = await told(patch(*faults), far)
    assert [data for _, data in far.reads] == [data for _, data in reads]
    assert [when for when, _ in far.reads] == pytest.approx([when for when, _ in reads])
    assert acts(answer)[0] == act
    assert (answer.status, answer.failure) == (None if answer.cut else 204, None)
    assert took >= reads[-1][0]


async def test_an_answer_ends_a_stall() -> None:
    answer, took = await told(patch(Fault(Stall(60), 4)), Far(until=b"0123"), memory_stream_pair)
    assert (answer.status, answer.sent, took) == (204, 4, 0)


async def test_an_answer_that_came_first_is_not_cut_off() -> None:
    far = Far(until=b"0123")
    plan = (Fault(Stall(5), 4), Fault(Break(), "last"))
    answer, _ = await told(patch(*plan), far, memory_stream_pair)
    assert (answer.status, answer.cut, answer.sent) == (204, False, 4)


async def test_a_lost_answer_is_in_the_record_and_nowhere_else() -> None:
    far = Far()
    answer, _ = await told(patch(lose=True), far, memory_stream_pair)
    assert far.heard == HEAD + TEN
    assert (answer.status, answer.headers, answer.complete, answer.cut) == (None, (), False, True)
    assert (answer.sent, answer.failure) == (10, None)
    assert answer.exchange.response is not None
    assert answer.exchange.response.status == 204
    assert acts(answer) == ["dropped the answer unread"]


async def test_an_answer_that_never_comes_is_not_lost() -> None:
    answer, took = await told(patch(lose=True), Far(until=b"never"))
    assert (answer.timed_out, answer.cut, took) == (True, False, 10)


async def test_a_silent_server_is_given_up_after_a_stall() -> None:
    """The stall is no part of the patience, which begins anew behind it."""
    answer, took = await told(patch(Fault(Stall(30), 4)), Far(until=b"never"))
    assert (answer.timed_out, took) == (True, 40)


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

    line = Line()
    async with serving(serve) as backend:
        wire = Wire(backend=backend)
        first = await wire.send(patch(line=line))
        second = await wire.send(Outgoing("HEAD", URL, line=line))
        await line.aclose()
    assert (first.status, second.status) == (409, 204)
    assert connections == expected
    assert ("over the connection that was kept" in acts(second)) is (len(expected) == 1)


async def test_a_kept_connection_that_the_server_has_closed_is_made_anew() -> None:
    """A HEAD may be asked again (RFC 9110); a PATCH may have been heard, and is not."""
    far = peer(KEPT)
    line = Line()
    async with serving(far.serve) as backend:
        assert (await Wire(backend=backend).send(patch(line=line))).status == 409
    again = Far(until=b"\r\n\r\n")
    async with serving(again.serve) as backend:
        answer = await Wire(backend=backend).send(Outgoing("HEAD", URL, line=line))
        await line.aclose()
    assert answer.status == 204


IMPOSSIBLE = {
    "a cut in the head": patch(Fault(Break(), 3, "head")),
    "a half-close": patch(Fault(Break("half"), 3)),
    "a lost answer": patch(lose=True),
    "a kept connection": patch(line=Line()),
}


@pytest.mark.parametrize("outgoing", IMPOSSIBLE.values(), ids=IMPOSSIBLE)
async def test_what_httpx_cannot_do_is_refused(outgoing: Outgoing) -> None:
    async def serve(stream: trio.abc.Stream) -> NoReturn:
        raise AssertionError("nothing is sent")

    async with serving(serve) as backend:
        with pytest.raises(UnsendableError, match=r"over HTTP/1\.1 without a proxy"):
            await Courier(backend=backend).send(outgoing)


async def test_httpx_stalls_throttles_and_splits_too() -> None:
    far = Far()
    faults = (Fault(Split(), 2), Fault(Stall(20), 4), Fault(Pace(rate=2), 8))
    async with serving(far.serve, lockstep_stream_pair) as backend:
        answer = await Courier(backend=backend, timeout=10).send(patch(*faults))
    assert [(when, data) for when, data in far.reads if data in TEN] == [
        (0, b"01"),
        (0, b"23"),
        (20, b"4567"),
        (20, b"8"),
        (20.5, b"9"),
    ]
    assert answer.status == 204
    assert len(acts(answer)) == 3
