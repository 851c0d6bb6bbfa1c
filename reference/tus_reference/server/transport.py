"""`Transport`: any trio stream, read into buffers that are used again and again."""

from __future__ import annotations

import os
from typing import Final

import trio

READ_SIZE: Final = 64 * 1024


class Disconnected(Exception):  # noqa: N818 - an event, not a fault of ours
    """The other side is gone, or the connection broke."""


class Transport:
    """One connection; raises `Disconnected` where trio tells streams apart."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self._stream = stream
        # A kernel socket can fill a buffer of ours; other streams hand out copies.
        self._socket = stream.socket if isinstance(stream, trio.SocketStream) else None
        self.remote_addr = "" if self._socket is None else _peer(self._socket)

    async def receive(self) -> bytes:
        """Return some bytes; none if the other side has finished sending."""
        try:
            return bytes(await self._stream.receive_some(READ_SIZE))
        except (trio.BrokenResourceError, trio.ClosedResourceError, OSError):
            raise Disconnected from None

    async def receive_into(self, buffer: memoryview) -> int:
        """Put what is there into `buffer`, waiting for some; 0 if the other side has finished."""
        try:
            if self._socket is not None:
                return await _drain(self._socket, buffer)
            data = await self._stream.receive_some(len(buffer))
        except (trio.BrokenResourceError, trio.ClosedResourceError, OSError):
            raise Disconnected from None
        buffer[: len(data)] = data
        return len(data)

    async def send(self, data: bytes) -> None:
        """Send all of `data`."""
        try:
            await self._stream.send_all(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError, OSError):
            raise Disconnected from None

    async def send_eof(self) -> None:
        """Finish sending but go on receiving, where the stream is able to."""
        if not isinstance(self._stream, trio.abc.HalfCloseableStream):
            return
        try:
            await self._stream.send_eof()
        except (trio.BrokenResourceError, trio.ClosedResourceError, OSError):
            raise Disconnected from None

    async def aclose(self) -> None:
        """Close the connection."""
        await trio.aclose_forcefully(self._stream)


def _peer(socket: trio.socket.SocketType) -> str:
    """Return the peer's address and port, or nothing for sockets that have none."""
    try:
        peer = socket.getpeername()
    except OSError:
        return ""
    return f"{peer[0]}:{peer[1]}" if isinstance(peer, tuple) else ""


async def _drain(socket: trio.socket.SocketType, buffer: memoryview) -> int:
    """Fill `buffer` with as much as the system has; wait only while there is nothing.

    A turn of the event loop for every packet would cost more than copying its bytes.
    """
    await trio.lowlevel.checkpoint_if_cancelled()
    filled = 0
    while filled < len(buffer):
        try:
            count = os.readv(socket.fileno(), [buffer[filled:]])
        except BlockingIOError:
            if filled:
                break
            await trio.lowlevel.wait_readable(socket)
            continue
        except OSError:
            # What came before the connection broke still counts; the next call will tell.
            if filled:
                break
            raise
        if not count:
            break
        filled += count
    await trio.lowlevel.cancel_shielded_checkpoint()
    return filled
