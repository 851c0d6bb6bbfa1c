"""Ways for a connection to end: in order, or with a reset."""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import Literal

import trio

from tus_conformance.transport.network import NO_LINGER

ConnectionStream = trio.abc.Stream


async def close_stream(stream: ConnectionStream, by: Literal["fin", "rst"]) -> None:
    """End a connection, also when cancelled."""
    with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
        if by == "rst":
            found = _socket(stream)
            if found is not None:
                with suppress(OSError):  # it may be closed already
                    found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
                await trio.aclose_forcefully(stream)
                return
        await stream.aclose()


async def half_close(stream: ConnectionStream) -> None:
    """End our direction alone; over TLS that of the connection beneath."""
    found = _socket(stream)
    with suppress(OSError, trio.BrokenResourceError, trio.ClosedResourceError):
        if found is not None:
            found.shutdown(socket.SHUT_WR)


def close_kind(error: BaseException) -> Literal["fin", "rst"]:
    """Return how a peer ended its connection, by what reading from it raised."""
    return "rst" if isinstance(error.__cause__, ConnectionResetError) else "fin"


def _socket(stream: ConnectionStream) -> trio.socket.SocketType | None:
    beneath = stream.transport_stream if isinstance(stream, trio.SSLStream) else stream
    return beneath.socket if isinstance(beneath, trio.SocketStream) else None
