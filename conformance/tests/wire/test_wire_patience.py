"""Time-outs, on a clock that jumps: no progress for so long, and not one second less."""

from __future__ import annotations

from typing import NoReturn

import httpcore
import pytest
import trio
from trio.testing import MockClock, lockstep_stream_pair, memory_stream_pair
from wire.peers import peer

from tus_conformance.wire import Answer, Outgoing, Payload, Wire
from tus_conformance.wire.courier import Courier
from tus_conformance.wire.memory import Pair, Serve, serving

URL = "http://tus.test/files/1"
DONE = b"HTTP/1.1 204 No Content\r\n\r\n"


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, MockClock]]:
    return "trio", {"clock": MockClock(autojump_threshold=0)}


Tier = type[Wire | Courier]


async def told(
    serve: Serve, outgoing: Outgoing, pair: Pair = memory_stream_pair, tier: Tier = Wire
) -> tuple[Answer, float]:
    """Return the answer of a served request, and the seconds it took on the mock clock."""
    began = trio.current_time()
    async with serving(serve, pair) as backend:
        answer = await tier(backend=backend, timeout=10).send(outgoing)
        return answer, trio.current_time() - began


def after(*moves: float | bytes) -> Serve:
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
@pytest.mark.parametrize("tier", [Wire, Courier])
async def test_patience(
    tier: Tier,
    moves: tuple[float | bytes, ...],
    seconds: float,
    status: int | None,
    timed_out: bool,
) -> None:
    answer, took = await told(after(*moves), Outgoing("GET", URL), tier=tier)
    assert (answer.status, answer.timed_out) == (status, timed_out)
    assert took == pytest.approx(seconds)
    assert (answer.failure.kind if answer.failure else None) == ("timeout" if timed_out else None)
    if answer.failure is not None:
        how = "The answer did not go on" if moves else "No answer came"
        assert answer.failure.sentence.startswith(f"{how} within 10 seconds: ")
    assert answer.complete is not timed_out


@pytest.mark.parametrize("tier", [Wire, Courier])
async def test_silence_closes_the_connection(tier: Tier) -> None:
    far = peer()
    async with serving(far.serve) as backend:
        answer = await tier(backend=backend, timeout=10).send(Outgoing("GET", URL))
        assert answer.timed_out
        with trio.fail_after(5):
            await far.gone.wait()


async def test_a_server_that_stops_reading_times_out() -> None:
    body = Payload(2**30, lambda: iter([bytes(65536)] * 2**14), generated="zeros")
    answer, took = await told(after(), Outgoing("PATCH", URL, (), body), pair=lockstep_stream_pair)
    assert answer.timed_out
    assert took == pytest.approx(10)
    assert answer.sent < 2**30


async def test_a_slow_reader_is_waited_for_as_long_as_it_reads() -> None:
    body = Payload(8 * 65536, lambda: iter([bytes(65536)] * 8), generated="zeros")

    async def serve(stream: trio.abc.Stream) -> None:
        heard = 0
        while heard < 8 * 65536:
            await trio.sleep(9)
            heard += len(await stream.receive_some(10**6))
        await stream.send_all(DONE)

    answer, took = await told(serve, Outgoing("PATCH", URL, (), body), pair=lockstep_stream_pair)
    assert (answer.status, answer.sent) == (204, 8 * 65536)
    assert took >= 72


@pytest.mark.parametrize("tier", [Wire, Courier])
async def test_a_connection_that_nobody_accepts_is_unreachable(tier: Tier) -> None:
    class Deaf(httpcore.AsyncNetworkBackend):
        async def connect_tcp(self, *args: object, **details: object) -> NoReturn:
            await trio.sleep_forever()

    answer = await tier(backend=Deaf(), timeout=10).send(Outgoing("GET", URL))
    assert answer.failure is not None
    assert answer.failure.kind == "unreachable"
    assert answer.failure.sentence.startswith("tus.test:80 accepted no connection within 10 sec")
    assert trio.current_time() == pytest.approx(answer.exchange.started + 10)


async def test_hearing_nothing_is_no_failure_yet() -> None:
    outgoing = Outgoing("PATCH", URL)
    async with (
        serving(after(20, DONE)) as backend,
        Wire(backend=backend, timeout=30).hold(outgoing) as held,
    ):
        assert await held.hear(15) is None
        answer = await held.reply()
    assert (answer.status, answer.failure) == (204, None)


async def test_an_answer_is_waited_for_as_long_as_one_says() -> None:
    outgoing = Outgoing("PATCH", URL)
    async with (
        serving(after(60, DONE)) as backend,
        Wire(backend=backend, timeout=10).hold(outgoing) as held,
    ):
        answer = await held.answer(seconds=70)
    assert (answer.status, answer.timed_out) == (204, False)


async def test_times_in_the_record_are_those_of_trios_clock() -> None:
    await trio.sleep(2)  # the run need not begin when the clock does
    began = trio.current_time()
    async with serving(after(3, b"HTTP/1.1 102 \r\n\r\n", 4, DONE)) as backend:
        wire = Wire(backend=backend, started=began)
        await trio.sleep(5)
        answer = await wire.send(Outgoing("GET", URL))
    assert answer.exchange.started == pytest.approx(5)
    received = [event for event in answer.exchange.events if event.kind == "received"]
    assert [event.text for event in received] == ["102", "204 No Content"]
    assert [event.at for event in received] == pytest.approx([3, 7])
