"""A port of 127.0.0.1 for the proxies and for servers of situations."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable

import trio


class ListenError(Exception):
    """A port cannot be listened on; the message says why and what to do."""


async def listen_on(port: int) -> list[trio.SocketListener]:
    """Listen on a port of 127.0.0.1, 0 for a free one; raise ListenError if that fails."""
    try:
        return list(await trio.open_tcp_listeners(port, host="127.0.0.1"))
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else str(error)
        raise ListenError(
            f"Cannot listen on port {port} of 127.0.0.1: {why}. Give another --listen, or 0 for a"
            " free port."
        ) from None


async def serve_on_two_ports(
    serve_connection: Callable[[trio.SocketStream], Awaitable[object]],
    port: int,
    on_listening: Callable[[int, int], None],
) -> None:
    """Serve a port of 127.0.0.1, 0 for a free one, and a second free one, until cancelled.

    `on_listening` is given both ports once they are open. Raises ListenError.
    """
    listener, other = (await listen_on(port))[0], (await listen_on(0))[0]
    ports = (int(each.socket.getsockname()[1]) for each in (listener, other))
    on_listening(*ports)
    await trio.serve_listeners(serve_connection, [listener, other])
