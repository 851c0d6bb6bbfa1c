"""`transport.response_limits`: responses that go on without an end, on a clock that jumps."""

from __future__ import annotations

import math

import pytest
import trio
from trio.testing import MockClock

from tus_conformance.transport import Http1Transport, HttpRequest, HttpResponse, Payload
from tus_conformance.transport.httpx_transport import HttpxTransport
from tus_conformance.transport.memory import memory_network
from tus_conformance.transport.response_limits import MAX_INTERIM, ResponseClock

URL = "http://tus.test/files/1"


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, MockClock]]:
    return "trio", {"clock": MockClock(autojump_threshold=0)}


async def _answer(
    first: bytes, drip: bytes, every: float, tier: type[Http1Transport | HttpxTransport]
) -> tuple[HttpResponse, float]:
    """Return the response of a server that goes on for ever, and the seconds that it took."""

    async def serve(stream: trio.abc.Stream) -> None:
        await stream.receive_some()
        await stream.send_all(first)
        while True:
            await stream.send_all(drip)
            await trio.sleep(every)

    began = trio.current_time()
    async with memory_network(serve) as backend:
        request = HttpRequest("GET", URL, max_response=500_000)
        answer = await tier(backend=backend, timeout=10).send(request)
    return answer, trio.current_time() - began


ENDLESS = {
    "a head, a line at a time": (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n", 1.0, 31),
    "a body, a byte at a time": (b"HTTP/1.1 200 OK\r\n\r\n", b"x", 1.0, 31),
    "chunks without a last one": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"1\r\nx\r\n",
        5.0,
        36,
    ),
    "interim responses, slowly": (b"", b"HTTP/1.1 102 Processing\r\n\r\n", 5.0, 66),
    "interim responses, fast": (b"", b"HTTP/1.1 102 Processing\r\n\r\n", 0.0, 1),
    "a head of endless lines": (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n" * 1000, 0.0, 1),
    "a body without an end": (b"HTTP/1.1 200 OK\r\n\r\n", bytes(65536), 0.0, 1),
}


@pytest.mark.parametrize("tier", [Http1Transport, HttpxTransport])
@pytest.mark.parametrize(("first", "drip", "every", "longest"), ENDLESS.values(), ids=ENDLESS)
async def test_a_response_that_does_not_end_is_given_up(
    first: bytes,
    drip: bytes,
    every: float,
    longest: float,
    tier: type[Http1Transport | HttpxTransport],
) -> None:
    answer, seconds = await _answer(first, drip, every, tier)
    assert answer.failure is not None
    # httpcore has a smaller limit on heads of its own.
    own_limit = tier is HttpxTransport and answer.status is None
    assert answer.failure.kind == "endless" or own_limit
    assert not answer.complete
    assert seconds <= longest
    assert len(answer.interim) <= MAX_INTERIM


async def test_a_slow_body_that_ends_is_read_to_its_end() -> None:
    """5 KiB a second for a minute and a half is slow, and no reason to give up."""
    size = 90 * 5120

    async def serve(stream: trio.abc.Stream) -> None:
        await stream.receive_some()
        await stream.send_all(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        for _ in range(90):
            await stream.send_all(bytes(5120))
            await trio.sleep(1)

    async with memory_network(serve) as backend:
        answer = await Http1Transport(backend=backend, timeout=10).send(HttpRequest("GET", URL))
    assert (answer.complete, answer.body_length) == (True, size)


async def test_a_slow_request_body_after_a_100_is_not_the_response() -> None:
    async def serve(stream: trio.abc.Stream) -> None:
        heard = b""
        await stream.send_all(b"HTTP/1.1 100 Continue\r\n\r\n")
        while not heard.endswith(b"end"):
            heard += await stream.receive_some()
        await stream.send_all(b"HTTP/1.1 204 No Content\r\n\r\n")

    body = Payload.literal(b"x" * 9 + b"end")
    async with memory_network(serve) as backend:
        transport = Http1Transport(backend=backend, timeout=10)
        async with transport.open(HttpRequest("PATCH", URL, payload=body)) as pending:
            for _ in range(body.length):
                await trio.sleep(9)
                await pending.send_body(1)
            answer = await pending.finish()
    assert (answer.status, answer.failure) == (204, None)


def test_a_content_length_of_thousands_of_digits_is_not_valid_http() -> None:
    from tus_conformance.transport.response_parser import ResponseParser

    parser = ResponseParser("GET")
    parser.receive_data(b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n")
    assert parser.error is not None


async def test_the_clock_starts_with_the_first_byte() -> None:
    clock = ResponseClock(10)
    assert clock.deadline(0) == math.inf
    clock.on_received(begun=True)
    assert clock.deadline(0) == trio.current_time() + 30
    clock.on_received(begun=False)
    assert clock.deadline(0) == math.inf
