"""A link with a delay: a proxy of bytes that hands each on after a while, in both directions.

In memory it goes around a server's function; on sockets it is started by

    python conformance/tests/delaying.py PORT SECONDS

and listens on a free port, which it prints, for the server at PORT of this machine.
"""

from __future__ import annotations

import math
import sys

import trio
from in_memory import Serve
from trio.testing import memory_stream_pair

PIECE = 65536


def delayed(serve: Serve, seconds: float) -> Serve:
    """Return a server whose every byte takes so many seconds, either way."""

    async def serve_late(stream: trio.abc.Stream) -> None:
        near, far = memory_stream_pair()
        async with trio.open_nursery() as nursery:

            async def serving() -> None:
                async with far:
                    await serve(far)

            nursery.start_soon(serving)
            await between(stream, near, seconds)
            nursery.cancel_scope.cancel()

    return serve_late


async def between(one: trio.abc.Stream, other: trio.abc.Stream, seconds: float) -> None:
    """Hand bytes on between two streams, each after so many seconds, until either is closed."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_pump, one, other, seconds)
        nursery.start_soon(_pump, other, one, seconds)


async def _pump(source: trio.abc.Stream, sink: trio.abc.Stream, seconds: float) -> None:
    send, receive = trio.open_memory_channel[tuple[float, bytes]](math.inf)

    async def take() -> None:
        async with send:
            try:
                while data := await source.receive_some(PIECE):
                    send.send_nowait((trio.current_time() + seconds, bytes(data)))
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                pass
            send.send_nowait((trio.current_time() + seconds, b""))

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


async def main(port: int, seconds: float) -> None:
    """Serve on a free port until the process is ended."""

    async def link(stream: trio.SocketStream) -> None:
        async with stream, await trio.open_tcp_stream("127.0.0.1", port) as other:
            await between(stream, other, seconds)

    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    print(listeners[0].socket.getsockname()[1], flush=True)  # noqa: T201
    await trio.serve_listeners(link, listeners)


if __name__ == "__main__":
    trio.run(main, int(sys.argv[1]), float(sys.argv[2]))
