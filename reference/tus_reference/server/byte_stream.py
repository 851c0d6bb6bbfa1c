"""`ByteStream`: any trio stream, read into buffers that are used again and again."""

from __future__ import annotations

import contextlib
import errno
import os
from typing import TYPE_CHECKING, Final

import trio

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tus_reference.model.http_messages import SendableChunks

READ_SIZE: Final = 64 * 1024
SEND_SIZE: Final = 64 * 1024

# How long closing TLS in order may take, in seconds.
_CLOSE_TIMEOUT: Final = 1.0

_BROKEN = (trio.BrokenResourceError, trio.ClosedResourceError, OSError)

_NO_SENDFILE: Final = (errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP)
_LOST: Final = (errno.EPIPE, errno.ECONNRESET, errno.ENOTCONN, errno.ETIMEDOUT, errno.EBADF)


class ConnectionLost(Exception):  # noqa: N818 - an event, not a fault of ours
    """The other side is gone, or the connection broke."""


class ByteStream:
    """One connection; raises `ConnectionLost` for each of trio's errors of streams.

    `send_idle` is how long the other side may take nothing of what is sent, in seconds.
    """

    def __init__(self, stream: trio.abc.Stream, *, send_idle: float) -> None:
        self._stream = stream
        self._send_idle = send_idle
        self._broken = False
        inner = stream.transport_stream if isinstance(stream, trio.SSLStream) else stream
        # A kernel socket can fill a buffer of ours; other streams hand out copies.
        self._socket = stream.socket if isinstance(stream, trio.SocketStream) else None
        self._transport = inner.socket if isinstance(inner, trio.SocketStream) else None
        self.remote_addr = "" if self._transport is None else _peer_address(self._transport)
        self.waiting_since: float | None = None
        """Since when the other side has sent nothing that is waited for, or has taken nothing."""

    async def receive(self) -> bytes:
        """Return some bytes; none if the other side has finished sending."""
        try:
            if self._socket is not None:
                return await self._receive_next(self._socket)
            with self._waiting():
                return bytes(await self._stream.receive_some(READ_SIZE))
        except _BROKEN:
            raise self._connection_lost() from None

    async def receive_into(self, buffer: memoryview) -> int:
        """Put what is there into `buffer`, waiting for some; 0 if the other side has finished."""
        try:
            if self._socket is not None:
                return await self._receive_available(self._socket, buffer)
            with self._waiting():
                data = await self._stream.receive_some(len(buffer))
        except _BROKEN:
            raise self._connection_lost() from None
        buffer[: len(data)] = data
        return len(data)

    async def receive_scattered(
        self, first: memoryview, second: memoryview, *, wait: bool
    ) -> int | None:
        """Fill `first` and then `second` with what is there; return how many bytes, 0 at the end.

        With `wait` it waits for some; otherwise it returns None if there is nothing yet.
        """
        try:
            if self._socket is not None:
                return await self._receive_scattered(self._socket, [first, second], wait=wait)
            if not wait:
                return None
            with self._waiting():
                data = await self._stream.receive_some(len(first) + len(second))
        except _BROKEN:
            raise self._connection_lost() from None
        count = min(len(data), len(first))
        first[:count] = data[:count]
        second[: len(data) - count] = data[count:]
        return len(data)

    async def send(self, data: bytes) -> None:
        """Send all of `data`."""
        sent = 0 if self._socket is None else self._send_now(self._socket, data)
        if sent == len(data):
            return
        view = memoryview(data)
        for start in range(sent, len(view), SEND_SIZE):
            await self._send(view[start : start + SEND_SIZE])

    async def send_file(self, chunks: SendableChunks) -> int:
        """Let the system send what it can of a file; return how many bytes.

        What it cannot send is left in the chunks: all of it if this is no kernel socket.
        """
        sent = 0
        while self._socket is not None and hasattr(os, "sendfile"):
            try:
                count = await chunks.send_to(self._socket.fileno())
            except BlockingIOError:
                await self._wait_writable(self._socket)
                continue
            except OSError as failure:
                if failure.errno in _NO_SENDFILE:
                    break
                if failure.errno in _LOST:
                    raise self._connection_lost() from None
                raise
            if not count:
                break
            sent += count
            # A fast client must not keep the others waiting.
            await trio.lowlevel.checkpoint()
        return sent

    async def _wait_writable(self, socket: trio.socket.SocketType) -> None:
        with trio.move_on_after(self._send_idle) as scope, self._waiting():
            try:
                await trio.lowlevel.wait_writable(socket)
            except _BROKEN:
                raise self._connection_lost() from None
        if scope.cancelled_caught:
            raise self._connection_lost()

    def _send_now(self, socket: trio.socket.SocketType, data: bytes) -> int:
        """Send what the system takes at once, which is most answers; return how much that was."""
        try:
            return os.write(socket.fileno(), data)
        except BlockingIOError:
            return 0
        except OSError:
            raise self._connection_lost() from None

    async def _send(self, data: bytes | memoryview) -> None:
        with trio.move_on_after(self._send_idle) as scope, self._waiting():
            try:
                await self._stream.send_all(data)
            except _BROKEN:
                raise self._connection_lost() from None
        if scope.cancelled_caught:
            raise self._connection_lost()

    async def send_eof(self) -> bool:
        """Finish sending but go on receiving; return whether the stream is able to."""
        if not isinstance(self._stream, trio.abc.HalfCloseableStream):
            return False
        try:
            await self._stream.send_eof()
        except _BROKEN:
            raise self._connection_lost() from None
        return True

    async def aclose(self) -> None:
        """Close the connection; with TLS in order, so that the end is not taken for a cut."""
        if isinstance(self._stream, trio.SSLStream) and not self._broken:
            with trio.move_on_after(_CLOSE_TIMEOUT), contextlib.suppress(*_BROKEN):
                await self._stream.aclose()
        await trio.aclose_forcefully(self._stream)

    @contextlib.contextmanager
    def _waiting(self) -> Iterator[None]:
        self.waiting_since = trio.current_time()
        try:
            yield
        finally:
            self.waiting_since = None

    async def _wait_readable(self, socket: trio.socket.SocketType) -> None:
        self.waiting_since = trio.current_time()
        try:
            await trio.lowlevel.wait_readable(socket)
        finally:
            self.waiting_since = None

    async def _receive_available(self, socket: trio.socket.SocketType, buffer: memoryview) -> int:
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
                await self._wait_readable(socket)
                continue
            except OSError:
                # What was received before the connection broke counts; the next call raises.
                if filled:
                    break
                raise
            if not count:
                break
            filled += count
        await trio.lowlevel.cancel_shielded_checkpoint()
        return filled

    async def _receive_next(self, socket: trio.socket.SocketType) -> bytes:
        """Return what comes next; between requests that is seldom here already, so wait first."""
        while True:
            await self._wait_readable(socket)
            try:
                return os.read(socket.fileno(), READ_SIZE)
            except BlockingIOError:
                continue

    async def _receive_scattered(
        self, socket: trio.socket.SocketType, buffers: list[memoryview], *, wait: bool
    ) -> int | None:
        """Fill buffers with what the system has; None if it has nothing, and `wait` is not set."""
        if wait:
            await trio.lowlevel.checkpoint_if_cancelled()
        while True:
            try:
                count = os.readv(socket.fileno(), buffers)
            except BlockingIOError:
                if not wait:
                    return None
                await self._wait_readable(socket)
                continue
            except OSError:
                # What was received before the connection broke counts; the next call raises.
                if not wait:
                    return None
                raise
            if wait:
                await trio.lowlevel.cancel_shielded_checkpoint()
            return count

    def abort(self) -> None:
        """Break the connection off: what waits for the other side sees its end."""
        if self._transport is not None:
            with contextlib.suppress(OSError):
                self._transport.shutdown(trio.socket.SHUT_RDWR)

    def _connection_lost(self) -> ConnectionLost:
        self._broken = True
        return ConnectionLost()


def _peer_address(socket: trio.socket.SocketType) -> str:
    """Return the peer's address and port, or nothing for sockets that have none."""
    try:
        peer = socket.getpeername()
    except OSError:
        return ""
    if not isinstance(peer, tuple):
        return ""
    return f"[{peer[0]}]:{peer[1]}" if ":" in peer[0] else f"{peer[0]}:{peer[1]}"
