"""`server.connection_limiter`: what a connection may cost, and one more than the limit."""

from __future__ import annotations

import contextlib
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
import trio
import trio.testing

from tus_reference.server import Limits, serve, serve_stream

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


async def test_a_newcomer_waits_for_those_who_are_busy(
    server: ClientFactory, autojump_clock: object
) -> None:
    async with serve_limited(server, 2) as listener:
        wires = [listener.open() for _ in range(2)]
        for wire in wires:
            await wire.send(OPTIONS_REQUEST[:10])
        await trio.testing.wait_all_tasks_blocked()
        newcomer = listener.open()
        await newcomer.send(OPTIONS_REQUEST)
        with trio.move_on_after(5) as waiting:
            await newcomer.stream.receive_some(1)
        assert waiting.cancelled_caught
        await wires[1].send(OPTIONS_REQUEST[10:])
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


async def test_silent_connections_make_room_for_those_that_speak(
    server: ClientFactory,
) -> None:
    client = server()
    listener = (await trio.open_tcp_listeners(0, host="127.0.0.1"))[0]
    port = listener.socket.getsockname()[1]
    async with trio.open_nursery() as nursery:
        nursery.start_soon(
            lambda: serve(client.handler, [listener], limits=Limits(connections=3, keep_alive=60.0))
        )
        silent = [await trio.open_tcp_stream("127.0.0.1", port) for _ in range(3)]
        began = trio.current_time()
        honest = await trio.open_tcp_stream("127.0.0.1", port)
        await honest.send_all(b"OPTIONS /files/ HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await honest.receive_some(100)).startswith(b"HTTP/1.1 204")
        assert trio.current_time() - began < 5
        for stream in [*silent, honest]:
            await stream.aclose()
        nursery.cancel_scope.cancel()
