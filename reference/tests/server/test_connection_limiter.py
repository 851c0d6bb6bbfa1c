"""`server.connection_limiter`: what a connection may cost, and one more than the limit."""

from __future__ import annotations

import contextlib
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
import trio
import trio.testing

from tus_reference.server import Limits, connection_limiter, serve, serve_stream
from tus_reference.server.connection_limiter import ConnectionLimiter

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from conftest import ClientFactory, MemoryConnection

OPTIONS_REQUEST = "OPTIONS /files/ HTTP/1.1\nHost: x\n\n"


@pytest.mark.parametrize(("fields", "status"), [(20, 204), (21, 431)])
async def test_a_head_has_so_many_fields(server: ClientFactory, fields: int, status: int) -> None:
    client = server(limits=Limits(head_fields=20))
    async with client.connect() as wire:
        await wire.send(
            OPTIONS_REQUEST[:-1] + "".join(f"X-{n}: 1\n" for n in range(fields - 1)) + "\n"
        )
        answer = await wire.receive_response()
        assert answer.status == status
        assert (answer["Connection"] == "close") == (status == 431)


async def test_a_head_that_comes_byte_by_byte_takes_too_long(
    server: ClientFactory, autojump_clock: object
) -> None:
    client = server(limits=Limits(head_time=10.0))
    async with client.connect() as wire:
        sent = 0
        with contextlib.suppress(trio.BrokenResourceError):
            for byte in OPTIONS_REQUEST[:20]:
                await wire.send(byte)
                sent += 1
                await trio.sleep(1)
        assert 10 <= sent <= 12


async def test_a_second_head_has_its_own_time(
    server: ClientFactory, autojump_clock: object
) -> None:
    client = server(limits=Limits(head_time=10.0, keep_alive=30.0))
    async with client.connect() as wire:
        for _ in range(3):
            await wire.send(OPTIONS_REQUEST[:5])
            await trio.sleep(8)
            await wire.send(OPTIONS_REQUEST[5:])
            assert (await wire.receive_response()).status == 204
            await trio.sleep(20)


async def test_a_client_that_takes_nothing_is_given_up(
    server: ClientFactory, autojump_clock: object
) -> None:
    client = server()
    content = bytes(1024 * 1024)
    path = await client.create(len(content), content)
    ours, theirs = trio.testing.lockstep_stream_pair()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(
            lambda: serve_stream(client.handler, theirs, limits=Limits(send_idle=5.0))
        )
        await server.new_connection(ours).send(f"GET {path} HTTP/1.1\nHost: x\n\n")
        received = 0
        # Whoever takes some of it now and then is slow, and is waited for.
        for _ in range(4):
            await trio.sleep(4)
            piece = await ours.receive_some(100_000)
            assert piece
            received += len(piece)
        await trio.sleep(6)
        while piece := await ours.receive_some(100_000):
            received += len(piece)
        assert received < len(content)


class MemoryListener(trio.abc.Listener[trio.abc.Stream]):
    """Connections in memory, as they are opened."""

    def __init__(self, server: ClientFactory) -> None:
        self._server = server
        self._send, self._receive = trio.open_memory_channel[trio.abc.Stream](100)

    def open(self) -> MemoryConnection:
        ours, theirs = trio.testing.memory_stream_pair()
        self._send.send_nowait(theirs)
        return self._server.new_connection(ours)

    async def accept(self) -> trio.abc.Stream:
        return await self._receive.receive()

    async def aclose(self) -> None:
        self._receive.close()


@asynccontextmanager
async def serve_limited(
    server: ClientFactory, limit: int, on_change: Callable[[int], object] | None = None
) -> AsyncIterator[MemoryListener]:
    """Serve so many connections at once, and stop in the end."""
    handler = server().handler
    listener, stop = MemoryListener(server), trio.Event()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(
            lambda: serve(
                handler,
                [listener],
                stop=stop,
                limits=Limits(connections=limit),
                on_connections_change=on_change,
            )
        )
        yield listener
        stop.set()


async def test_the_connection_that_is_idle_longest_gives_its_place_away(
    server: ClientFactory,
) -> None:
    async with serve_limited(server, 2) as listener:
        wires = [listener.open() for _ in range(2)]
        for wire in wires:
            await wire.send(OPTIONS_REQUEST)
            assert (await wire.receive_response())["Connection"] is None
        third = listener.open()
        await third.send(OPTIONS_REQUEST)
        assert (await third.receive_response()).status == 204
        assert await wires[0].is_closed()
        await wires[1].send(OPTIONS_REQUEST)
        assert (await wires[1].receive_response()).status == 204


POST_HEAD = """\
POST /files/ HTTP/1.1
Host: x
Tus-Resumable: 1.0.0
Upload-Length: 10
Content-Type: application/offset+octet-stream
Content-Length: 10

"""


async def test_a_newcomer_waits_for_those_who_are_busy(
    server: ClientFactory, autojump_clock: object
) -> None:
    async with serve_limited(server, 2) as listener:
        wires = [listener.open() for _ in range(2)]
        for wire in wires:
            await wire.send(POST_HEAD + "01234")
        await trio.testing.wait_all_tasks_blocked()
        newcomer = listener.open()
        await newcomer.send(OPTIONS_REQUEST)
        with trio.move_on_after(connection_limiter.STALL_ALLOWED - 1) as waiting:
            await newcomer.stream.receive_some(1)
        assert waiting.cancelled_caught
        await wires[1].send("56789")
        assert (await wires[1].receive_response())["Connection"] == "close"
        assert (await newcomer.receive_response()).status == 204


async def test_all_of_many_are_answered(server: ClientFactory) -> None:
    answered = []
    async with serve_limited(server, 3) as listener:

        async def ask(wire: MemoryConnection) -> None:
            await wire.send(OPTIONS_REQUEST)
            answered.append((await wire.receive_response()).status)
            await wire.stream.aclose()

        async with trio.open_nursery() as nursery:
            for _ in range(30):
                nursery.start_soon(ask, listener.open())
    assert answered == [204] * 30


async def test_the_number_of_connections_is_reported(server: ClientFactory) -> None:
    told: list[int] = []
    async with serve_limited(server, 0, told.append) as listener:
        wires = [listener.open() for _ in range(3)]
        for wire in wires:
            await wire.send(OPTIONS_REQUEST)
            await wire.receive_response()
        assert told == [1, 1, 1]
        await wires[0].stream.aclose()
        await trio.testing.wait_all_tasks_blocked()
        assert sum(told) == 2
    assert sum(told) == 0


@pytest.mark.parametrize("sent", [b"", b"OPTIONS /files/ HTTP/1.1\r\nHo"], ids=["silent", "half"])
async def test_connections_without_a_request_make_room_for_those_that_have_one(
    server: ClientFactory, sent: bytes
) -> None:
    client = server()
    listener = (await trio.open_tcp_listeners(0, host="127.0.0.1"))[0]
    port = listener.socket.getsockname()[1]
    async with trio.open_nursery() as nursery:
        nursery.start_soon(
            lambda: serve(client.handler, [listener], limits=Limits(connections=3, keep_alive=60.0))
        )
        silent = [await trio.open_tcp_stream("127.0.0.1", port) for _ in range(3)]
        for stream in silent:
            await stream.send_all(sent)
        began = trio.current_time()
        honest = await trio.open_tcp_stream("127.0.0.1", port)
        await honest.send_all(b"OPTIONS /files/ HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await honest.receive_some(100)).startswith(b"HTTP/1.1 204")
        assert trio.current_time() - began < connection_limiter.STALL_ALLOWED
        for stream in [*silent, honest]:
            await stream.aclose()
        nursery.cancel_scope.cancel()


PATCH_HEAD = (
    "PATCH {path} HTTP/1.1\r\nHost: x\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\n"
    "Content-Type: application/offset+octet-stream\r\n{framing}\r\n\r\n"
)


@pytest.mark.parametrize(
    "kind", ["a body", "a body in chunks", "a body with a checksum", "a head", "a download"]
)
async def test_clients_that_stall_within_a_request_make_room_for_others(
    server: ClientFactory, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(connection_limiter, "STALL_ALLOWED", 0.1)
    client = server()
    large = bytes(8 * 1024 * 1024)
    complete = await client.create(len(large), large)
    paths = [await client.create(10) for _ in range(3)]
    framing = {
        "a body": "Content-Length: 10",
        "a body in chunks": "Transfer-Encoding: chunked",
        "a body with a checksum": "Content-Length: 10\r\nUpload-Checksum: crc32 AAAAAA==",
    }
    listener = (await trio.open_tcp_listeners(0, host="127.0.0.1"))[0]
    port = listener.socket.getsockname()[1]
    async with trio.open_nursery() as nursery, contextlib.AsyncExitStack() as streams:
        nursery.start_soon(
            lambda: serve(client.handler, [listener], limits=Limits(connections=3, keep_alive=60.0))
        )
        stalled = []
        for path in paths:
            stream = await trio.open_tcp_stream("127.0.0.1", port)
            streams.push_async_callback(stream.aclose)
            if kind == "a head":
                await stream.send_all(b"PATCH /files/")
            elif kind == "a download":
                await stream.send_all(f"GET {complete} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            else:
                await stream.send_all(
                    PATCH_HEAD.format(path=path, framing=framing[kind]).encode()
                    + (b"5\r\nhello\r\n" if kind == "a body in chunks" else b"hello")
                )
            stalled.append(stream)
        honest = server.new_connection(await trio.open_tcp_stream("127.0.0.1", port))
        streams.push_async_callback(honest.stream.aclose)
        await honest.send(OPTIONS_REQUEST)
        assert (await honest.receive_response()).status == 204
        closed = 0
        for stream in stalled:
            with trio.move_on_after(0.2):
                while await stream.receive_some(65536):
                    # No response: clients take most of them as final, and resume without one.
                    assert kind == "a download"
                closed += 1
        assert closed >= 1
        offsets = [await client.get_offset(path) for path in paths]
        assert offsets.count(5) >= (closed if kind in {"a body", "a body in chunks"} else 0)
        nursery.cancel_scope.cancel()


class StalledConnection:
    """A connection whose client was last heard of some seconds ago."""

    idle_since = silent_since = None

    def __init__(self, limiter: ConnectionLimiter, seconds: float) -> None:
        self._limiter = limiter
        self.stalled_since = trio.current_time() - seconds
        self.aborted_at: float | None = None

    def stop(self) -> None:
        raise AssertionError("it is not idle")

    def abort(self) -> None:
        self.aborted_at = trio.current_time()
        self._limiter.release()


async def test_the_client_that_has_stalled_longest_goes_and_not_before_its_time(
    autojump_clock: object,
) -> None:
    limiter = ConnectionLimiter(2)
    connections = [StalledConnection(limiter, seconds) for seconds in (1.0, 2.0)]
    begun = trio.current_time()
    for connection in connections:
        await limiter.acquire()
        limiter.add(connection)
    assert trio.current_time() == begun
    await limiter.acquire()
    assert connections[0].aborted_at is None
    waited = trio.current_time() - begun
    assert connection_limiter.STALL_ALLOWED - 2.0 <= waited < connection_limiter.STALL_ALLOWED - 1.0
