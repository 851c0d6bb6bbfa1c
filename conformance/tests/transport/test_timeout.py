"""`transport.pending_request`: time-outs after exactly so long without progress."""

from __future__ import annotations

from typing import NoReturn

import httpcore
import pytest
import trio
from scripted_peer import scripted_peer
from trio.testing import MockClock, lockstep_stream_pair, memory_stream_pair

from tus_conformance.transport import Http1Transport, HttpRequest, HttpResponse, Payload
from tus_conformance.transport.httpx_transport import HttpxTransport
from tus_conformance.transport.memory import MakeStreamPair, Serve, memory_network

URL = "http://tus.test/files/1"
DONE = b"HTTP/1.1 204 No Content\r\n\r\n"


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, MockClock]]:
    return "trio", {"clock": MockClock(autojump_threshold=0)}


Tier = type[Http1Transport | HttpxTransport]


async def send_timed(
    serve: Serve,
    http_request: HttpRequest,
    pair: MakeStreamPair = memory_stream_pair,
    tier: Tier = Http1Transport,
) -> tuple[HttpResponse, float]:
    """Return the answer of a served request, and the seconds it took on the mock clock."""
    began = trio.current_time()
    async with memory_network(serve, pair) as backend:
        http_response = await tier(backend=backend, timeout=10).send(http_request)
        return http_response, trio.current_time() - began


def respond_after(*moves: float | bytes) -> Serve:
    """Return a server that sleeps so long, or says so much, in turn, and then listens on."""

    async def serve(stream: trio.abc.Stream) -> None:
        await stream.receive_some()
        for move in moves:
            if isinstance(move, bytes):
                await stream.send_all(move)
            else:
                await trio.sleep(move)
        await trio.sleep_forever()

    return serve


# Each row: what the server does, the seconds it all takes, the status, and whether it timed out.
PATIENCE = {
    "silence times out": ((), 10, None, True),
    "an answer in time does not": ((9.5, DONE), 9.5, 204, False),
    "every interim response starts the clock anew": (
        (9, b"HTTP/1.1 102 \r\n\r\n", 9, b"HTTP/1.1 102 \r\n\r\n", 9, DONE),
        27,
        204,
        False,
    ),
    "so does every byte": ((9, DONE[:5], 9, DONE[5:9], 9, DONE[9:]), 27, 204, False),
    "an answer that stops in the middle times out": ((5, DONE[:9]), 15, None, True),
    "a body that stops in the middle times out": (
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel",),
        10,
        200,
        True,
    ),
}


@pytest.mark.parametrize(
    ("moves", "seconds", "status", "timed_out"), PATIENCE.values(), ids=PATIENCE
)
@pytest.mark.parametrize("tier", [Http1Transport, HttpxTransport])
async def test_patience(
    tier: Tier,
    moves: tuple[float | bytes, ...],
    seconds: float,
    status: int | None,
    timed_out: bool,
) -> None:
    http_response, took = await send_timed(
        respond_after(*moves), HttpRequest("GET", URL), tier=tier
    )
    assert (http_response.status, http_response.timed_out) == (status, timed_out)
    assert took == pytest.approx(seconds)
    assert (http_response.failure.kind if http_response.failure else None) == (
        "timeout" if timed_out else None
    )
    if http_response.failure is not None:
        how = "The response did not continue" if moves else "No response arrived"
        assert http_response.failure.message.startswith(f"{how} within 10 seconds: ")
    assert http_response.complete is not timed_out


@pytest.mark.parametrize("tier", [Http1Transport, HttpxTransport])
async def test_silence_closes_the_connection(tier: Tier) -> None:
    far = scripted_peer()
    async with memory_network(far.serve) as backend:
        http_response = await tier(backend=backend, timeout=10).send(HttpRequest("GET", URL))
        assert http_response.timed_out
        with trio.fail_after(5):
            await far.gone.wait()


async def test_a_server_that_stops_reading_times_out() -> None:
    body = Payload(2**30, lambda: iter([bytes(65536)] * 2**14), generated="zeros")
    http_response, took = await send_timed(
        respond_after(), HttpRequest("PATCH", URL, (), body), pair=lockstep_stream_pair
    )
    assert http_response.timed_out
    assert took == pytest.approx(10)
    assert http_response.sent < 2**30


async def test_a_slow_reader_is_waited_for_as_long_as_it_reads() -> None:
    body = Payload(8 * 65536, lambda: iter([bytes(65536)] * 8), generated="zeros")

    async def serve(stream: trio.abc.Stream) -> None:
        heard = 0
        while heard < 8 * 65536:
            await trio.sleep(9)
            heard += len(await stream.receive_some(10**6))
        await stream.send_all(DONE)

    http_response, took = await send_timed(
        serve, HttpRequest("PATCH", URL, (), body), pair=lockstep_stream_pair
    )
    assert (http_response.status, http_response.sent) == (204, 8 * 65536)
    assert took >= 72


@pytest.mark.parametrize("tier", [Http1Transport, HttpxTransport])
async def test_connection_that_is_never_accepted_is_unreachable(tier: Tier) -> None:
    class Deaf(httpcore.AsyncNetworkBackend):
        async def connect_tcp(self, *args: object, **details: object) -> NoReturn:
            await trio.sleep_forever()

    http_response = await tier(backend=Deaf(), timeout=10).send(HttpRequest("GET", URL))
    assert http_response.failure is not None
    assert http_response.failure.kind == "unreachable"
    assert http_response.failure.message.startswith(
        "tus.test:80 did not accept a connection within 10 sec"
    )
    assert trio.current_time() == pytest.approx(http_response.exchange.at + 10)


async def test_silence_before_the_timeout_is_not_a_failure() -> None:
    http_request = HttpRequest("PATCH", URL)
    async with (
        memory_network(respond_after(20, DONE)) as backend,
        Http1Transport(backend=backend, timeout=30).open(http_request) as pending,
    ):
        assert await pending.receive_status(15) is None
        http_response = await pending.finish()
    assert (http_response.status, http_response.failure) == (204, None)


async def test_receive_response_waits_for_the_given_seconds() -> None:
    http_request = HttpRequest("PATCH", URL)
    async with (
        memory_network(respond_after(60, DONE)) as backend,
        Http1Transport(backend=backend, timeout=10).open(http_request) as pending,
    ):
        http_response = await pending.receive_response(seconds=70)
    assert (http_response.status, http_response.timed_out) == (204, False)


async def test_times_in_the_record_are_those_of_trios_clock() -> None:
    await trio.sleep(2)  # the run need not begin when the clock does
    began = trio.current_time()
    async with memory_network(respond_after(3, b"HTTP/1.1 102 \r\n\r\n", 4, DONE)) as backend:
        transport = Http1Transport(backend=backend, started=began)
        await trio.sleep(5)
        http_response = await transport.send(HttpRequest("GET", URL))
    assert http_response.exchange.at == pytest.approx(5)
    received = [event for event in http_response.exchange.events if event.event == "received"]
    assert [event.text for event in received] == ["102", "204 No Content"]
    assert [event.at for event in received] == pytest.approx([3, 7])
