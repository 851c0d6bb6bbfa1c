"""`transport.network`: what recorded sockets pass on, and how connections end."""

# ruff: noqa: ASYNC109 (the signatures are httpcore's)

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import httpcore
import pytest
import trio
from trio.testing import MockClock

from tus_conformance.transport.fault_actions import Throttle
from tus_conformance.transport.network import RecordedBackend, RecordedStream


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, MockClock]]:
    return "trio", {"clock": MockClock(autojump_threshold=0)}


class FakeStream(httpcore.AsyncNetworkStream):
    """A stream that takes down what is asked of it; `closing` is how long its end takes."""

    def __init__(self, closing: float = 0.0, **info: object) -> None:
        self.asked: list[object] = []
        self.closed = 0
        self.above: FakeStream | None = None
        self._closing = closing
        self._info = info

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self.asked.append((max_bytes, timeout))
        return b"heard"

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self.asked.append((buffer, timeout))

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> FakeStream:
        self.asked.append((ssl_context, server_hostname, timeout))
        if self.above is None:
            raise httpcore.ConnectError
        return self.above

    def get_extra_info(self, info: str) -> Any:
        return self._info.get(info)

    async def aclose(self) -> None:
        await trio.sleep(self._closing)
        self.closed += 1


@dataclass
class FakeBackend(httpcore.AsyncNetworkBackend):
    """A network of streams that are there already, and a witness to what passes over them."""

    streams: list[FakeStream]
    asked: list[object] = field(default_factory=list)
    seen: list[object] = field(default_factory=list)

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> FakeStream:
        self.asked.append((host, port, timeout, local_address, socket_options))
        return self.streams[len(self.asked) - 1]

    def on_connect(self, where: str) -> None:
        self.seen.append(f"connected {where}")

    def on_tls(self, version: str, protocol: str) -> None:
        self.seen.append(f"secured {version} {protocol}")

    def on_sent(self, data: bytes) -> None:
        self.seen.append(data)

    def on_received(self, data: bytes) -> None:
        self.seen.append(data)

    def on_close(self, how: str) -> None:
        self.seen.append(f"closed {how}")


async def opened(*streams: FakeStream) -> tuple[RecordedBackend, FakeBackend, list[RecordedStream]]:
    """Return a recorded network with a connection over each of these streams."""
    below = FakeBackend(list(streams))
    network = RecordedBackend(below, below)
    return network, below, [await network.connect_tcp("tus.test", 80) for _ in streams]


async def test_what_is_asked_is_handed_on_and_taken_down() -> None:
    inner, above = FakeStream(), FakeStream()
    inner.above = above
    below = FakeBackend([inner])
    network = RecordedBackend(below, below)
    option, context = (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1), ssl.create_default_context()
    newest = [network.latest]
    stream = await network.connect_tcp("tus.test", 80, 1.0, "127.0.0.2", [option])
    newest.append(network.latest)
    assert await stream.read(7, 2.0) == b"heard"
    await stream.write(b"said", 3.0)
    secured = await stream.start_tls(context, "tus.test", 4.0)
    assert [*newest, network.latest] == [None, stream, secured]
    assert below.asked == [("tus.test", 80, 1.0, "127.0.0.2", [option])]
    assert inner.asked == [(7, 2.0), (b"said", 3.0), (context, "tus.test", 4.0)]
    assert below.seen == ["connected tus.test:80", b"heard", b"said", "secured TLS http/1.1"]


async def test_a_connection_is_closed_once() -> None:
    inner = FakeStream()
    network, below, (stream,) = await opened(inner)
    await stream.close("as it was asked")
    await stream.aclose()
    await network.aclose()
    assert inner.closed == 1
    assert below.seen[1:] == ["closed as it was asked"]


async def test_all_that_is_open_is_closed_also_when_cancelled() -> None:
    inners = [FakeStream(closing=0.5), FakeStream(closing=0.5)]
    network, below, _ = await opened(*inners)
    with trio.CancelScope() as scope:
        scope.cancel()
        await network.aclose()
    assert [inner.closed for inner in inners] == [1, 1]
    assert below.seen[2:] == ["closed by the harness"] * 2


async def test_an_end_that_takes_too_long_is_not_waited_for() -> None:
    inner = FakeStream(closing=100)
    _, below, (stream,) = await opened(inner)
    await stream.aclose()
    assert (inner.closed, trio.current_time()) == (0, 1)
    assert below.seen[1:] == ["closed by the harness"]


async def test_above_tls_the_stream_that_was_secured_is_closed_instead() -> None:
    inner, above = FakeStream(), FakeStream()
    inner.above = above
    network, below, (stream,) = await opened(inner)
    await stream.start_tls(ssl.create_default_context())
    await network.aclose()
    assert (inner.closed, above.closed) == (0, 1)
    assert below.seen[2:] == ["closed by the harness"]


async def test_without_tls_the_connection_is_closed() -> None:
    inner = FakeStream()
    network, below, (stream,) = await opened(inner)
    with pytest.raises(httpcore.ConnectError):
        await stream.start_tls(ssl.create_default_context())
    assert (inner.closed, below.seen[1:]) == (1, ["closed by the harness"])
    assert network.latest is stream


class ClosedSocket:
    """A socket of which the other side is gone; `how` is what was done to it."""

    def __init__(self) -> None:
        self.how: list[object] = []

    def fileno(self) -> int:
        """Refuse, as a socket that is closed."""
        raise OSError

    def shutdown(self, how: int) -> None:
        """Take down how, and refuse."""
        self.how.append(how)
        raise OSError


async def test_what_is_closed_is_not_reset() -> None:
    inner = FakeStream(socket=ClosedSocket())
    _, below, (stream,) = await opened(inner)
    await stream.aclose()
    await stream.reset("too late")
    assert (inner.closed, below.seen[1:]) == (1, ["closed by the harness"])


async def test_half_of_what_is_gone_may_be_closed() -> None:
    gone = ClosedSocket()
    _, _, (stream,) = await opened(FakeStream(socket=gone))
    await stream.half_close()
    assert gone.how == [socket.SHUT_WR]


@pytest.mark.parametrize("readable", [True, False])
async def test_a_connection_is_idle_while_it_is_open_and_silent(readable: bool) -> None:
    _, _, (stream,) = await opened(FakeStream(is_readable=readable))
    assert stream.idle is not readable
    await stream.aclose()
    assert not stream.idle


# Each row: the pace, and the sizes of the writes in which 25 bytes go out, with their times.
PACES = {
    "as they come": (Throttle(), [(25, 0)]),
    "so many at once": (Throttle(write_size=10), [(10, 0), (10, 0), (5, 0)]),
    "a tenth of a second's worth": (Throttle(rate=100), [(10, 0), (10, 0.1), (5, 0.2)]),
    "the smaller of both": (Throttle(write_size=15, rate=100), [(10, 0), (10, 0.1), (5, 0.2)]),
    "a byte at least": (Throttle(rate=5), [(1, at / 5) for at in range(25)]),
}


@pytest.mark.parametrize(("pace", "writes"), PACES.values(), ids=PACES)
async def test_bytes_go_out_at_the_pace_that_is_set(
    pace: Throttle, writes: list[tuple[int, float]]
) -> None:
    times: list[tuple[int, float]] = []

    class Timed(FakeStream):
        async def write(self, buffer: bytes, timeout: float | None = None) -> None:
            times.append((len(buffer), round(trio.current_time(), 6)))

    _, below, (stream,) = await opened(Timed())
    stream.throttle = pace
    await stream.write(bytes(25))
    assert times == writes
    assert below.seen[1:] == [bytes(size) for size, _ in writes]
