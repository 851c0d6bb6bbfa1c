"""A link with a delay: a proxy of bytes that hands each on after a while, in both directions.

In memory it goes around a server's function; on sockets it is started by

    python conformance/tests/support/slow_link.py PORT SECONDS [SHARE SEED]

and listens on a free port, which it prints, for the server at PORT of this machine. A SHARE of
what goes over it, say 0.01, stalls for 0.2 to 3 s more, and what comes behind it waits.
"""

from __future__ import annotations

import math
import random
import sys
from collections.abc import Callable

import trio
from trio.testing import memory_stream_pair

from tus_conformance.transport.memory import Serve

READ_SIZE = 65536

Delay = Callable[[], float]
"""How many seconds the next piece takes."""


def delay_server(serve: Serve, seconds: float) -> Serve:
    """Return a server whose every byte takes so many seconds, either way."""

    async def serve_late(stream: trio.abc.Stream) -> None:
        near, far = memory_stream_pair()
        async with trio.open_nursery() as nursery:

            async def serving() -> None:
                async with far:
                    await serve(far)

            nursery.start_soon(serving)
            await relay_with_delay(stream, near, lambda: seconds)
            nursery.cancel_scope.cancel()

    return serve_late


async def relay_with_delay(one: trio.abc.Stream, other: trio.abc.Stream, delay: Delay) -> None:
    """Hand bytes on between two streams, each after a while, until either is closed."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_pump, one, other, delay)
        nursery.start_soon(_pump, other, one, delay)


def random_stalls(seconds: float, share: float, seed: int) -> Delay:
    """Return a delay that is now and then longer by 0.2 to 3 s."""
    drawn = random.Random(seed)

    def delay() -> float:
        return seconds + (drawn.uniform(0.2, 3) if drawn.random() < share else 0)

    return delay


async def _pump(source: trio.abc.Stream, sink: trio.abc.Stream, delay: Delay) -> None:
    send, receive = trio.open_memory_channel[tuple[float, bytes]](math.inf)

    async def take() -> None:
        async with send:
            try:
                while data := await source.receive_some(READ_SIZE):
                    send.send_nowait((trio.current_time() + delay(), bytes(data)))
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                pass
            send.send_nowait((trio.current_time() + delay(), b""))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(take)
        async for due, data in receive:
            await trio.sleep_until(due)
            try:
                if data:
                    await sink.send_all(data)
                    continue
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                pass
            break
        await _end(sink)
        nursery.cancel_scope.cancel()


async def _end(sink: trio.abc.Stream) -> None:
    """Say that no more comes, so that the other direction may go on."""
    try:
        if isinstance(sink, trio.StapledStream) and hasattr(sink.send_stream, "aclose"):
            await sink.send_stream.aclose()
        elif isinstance(sink, trio.abc.HalfCloseableStream):
            await sink.send_eof()
    except (trio.BrokenResourceError, trio.ClosedResourceError):
        return


async def main(port: int, delay: Delay) -> None:
    """Serve on a free port until the process is ended."""

    async def link(stream: trio.SocketStream) -> None:
        async with stream, await trio.open_tcp_stream("127.0.0.1", port) as other:
            await relay_with_delay(stream, other, delay)

    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    print(listeners[0].socket.getsockname()[1], flush=True)  # noqa: T201
    await trio.serve_listeners(link, listeners)


if __name__ == "__main__":
    port_, seconds_, share_, seed_ = [*sys.argv[1:], "0", "0"][:4]
    trio.run(main, int(port_), random_stalls(float(seconds_), float(share_), int(seed_)))
