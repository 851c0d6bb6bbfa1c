"""A port of 127.0.0.1 for the proxies and for servers of situations."""

from __future__ import annotations

import os

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
