"""`transport.memory`: the network in memory fails as a real one does."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable

import httpcore
import pytest
import trio
from trio.testing import MockClock, lockstep_stream_pair, memory_stream_pair

from tus_conformance.transport.memory import MemoryStream, memory_network

ASKS: dict[str, Callable[[MemoryStream, float | None], Awaitable[object]]] = {
    "Read": lambda stream, patience: stream.read(1, patience),
    "Write": lambda stream, patience: stream.write(b"x", patience),
    "Connect": lambda stream, patience: stream.start_tls(
        ssl.create_default_context(), "tus.test", patience
    ),
}


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, MockClock]]:
    return "trio", {"clock": MockClock(autojump_threshold=0)}


@pytest.mark.parametrize(("what", "ask"), ASKS.items(), ids=ASKS)
async def test_timeout_expires_on_time(
    what: str, ask: Callable[[MemoryStream, float | None], Awaitable[object]]
) -> None:
    stream = MemoryStream(lockstep_stream_pair()[0])
    with trio.fail_after(60), pytest.raises(getattr(httpcore, f"{what}Timeout")):
        await ask(stream, 3.0)
    assert trio.current_time() == 3


@pytest.mark.parametrize(("what", "ask"), ASKS.items(), ids=ASKS)
async def test_what_is_closed_is_an_error_of_the_network(
    what: str, ask: Callable[[MemoryStream, float | None], Awaitable[object]]
) -> None:
    stream = MemoryStream(lockstep_stream_pair()[0])
    await stream.aclose()
    with pytest.raises(getattr(httpcore, f"{what}Error")):
        await ask(stream, None)


async def test_no_more_is_read_than_was_asked_for() -> None:
    near, far = memory_stream_pair()
    await far.send_all(b"said")
    await far.aclose()
    stream = MemoryStream(near)
    assert [await stream.read(3) for _ in range(3)] == [b"sai", b"d", b""]


async def test_a_server_loses_the_connection_of_a_client_that_is_gone_and_no_other() -> None:
    heard: list[bytes] = []

    async def serve(stream: trio.abc.Stream) -> None:
        heard.append(bytes(await stream.receive_some()))
        await stream.send_all(b"late")

    async with memory_network(serve) as backend:
        for _ in range(2):
            stream = await backend.connect_tcp("tus.test", 80)
            await stream.write(b"x")
            await stream.aclose()
            await trio.testing.wait_all_tasks_blocked()
    assert heard == [b"x", b"x"]
