"""The recorded network: every byte of every tier passes here, above TLS.

The harness's own ways of ending a connection live here too, since they are acts upon the network:
`close` as a client that ends, `reset` as one that crashes.
"""

# ruff: noqa: ASYNC109 (the signatures are httpcore's)

from __future__ import annotations

import socket
import ssl
import struct
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, Protocol

import httpcore
import trio

from tus_conformance.transport.address import format_host_port
from tus_conformance.transport.fault_actions import Throttle
from tus_conformance.transport.fault_executor import write_throttled

# With a linger time of nothing, closing a socket resets the connection (RFC 9293, section 3.10.5).
NO_LINGER = struct.pack("ii", 1, 0)
# Seconds in which a local peer has long acknowledged what it was sent.
DELIVERY_TIMEOUT = 1.0
# Seconds in which the end of a connection follows the response after which a server closes it.
END_DELAY = 0.002
READ_SIZE = 65536


class ConnectionObserver(Protocol):
    """Is called with everything that happens on a connection."""

    def on_connect(self, where: str) -> None:
        """A connection was made."""

    def on_tls(self, version: str, protocol: str) -> None:
        """TLS was begun on the connection; what passed before it was said to a proxy."""

    def on_sent(self, data: bytes) -> None:
        """Bytes were handed to the network."""

    def on_received(self, data: bytes) -> None:
        """Bytes came in; none means that the server has closed its side."""

    def on_close(self, how: str) -> None:
        """The harness closed the connection."""


class RecordedBackend(httpcore.AsyncNetworkBackend):
    """Opens recorded connections through another backend; `connect_to` replaces host and port.

    `destination` is where the last connection was to lead, as text.
    """

    def __init__(
        self,
        inner: httpcore.AsyncNetworkBackend,
        observer: ConnectionObserver,
        connect_to: tuple[str, int] | None = None,
    ) -> None:
        self._inner = inner
        self._observer = observer
        self._connect_to = connect_to
        self._opened: list[RecordedStream] = []
        self.destination = ""

    @property
    def latest(self) -> RecordedStream | None:
        """Return the stream that was opened last, which is the one requests go over."""
        return self._opened[-1] if self._opened else None

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> RecordedStream:
        """Connect within `timeout` seconds; raise what the inner backend raises."""
        host, port = self._connect_to or (host, port)
        self.destination = format_host_port(host, port)
        stream = await self._inner.connect_tcp(host, port, timeout, local_address, socket_options)
        self._observer.on_connect(self.destination)
        return RecordedStream(stream, self._observer, self._opened)

    async def aclose(self) -> None:
        """Close whatever is still open, also when cancelled."""
        for stream in self._opened:
            await stream.aclose()


class RecordedStream(httpcore.AsyncNetworkStream):
    """A connection with an observer of what passes."""

    def __init__(
        self,
        inner: httpcore.AsyncNetworkStream,
        observer: ConnectionObserver,
        opened: list[RecordedStream],
    ) -> None:
        self._inner = inner
        self.observer = observer
        self.throttle = Throttle()
        self._opened = opened
        self._is_open = True
        opened.append(self)

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Return the next bytes, or none at the end; raise httpcore.ReadError."""
        data = await self._inner.read(max_bytes, timeout)
        self.observer.on_received(data)
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Hand bytes to the network within the throttle; raise httpcore.WriteError."""

        async def write(piece: bytes) -> None:
            await self._inner.write(piece, timeout)
            self.observer.on_sent(piece)

        await write_throttled(buffer, self.throttle, write)

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> RecordedStream:
        """Begin TLS and return the stream above it, or close and raise httpcore.ConnectError."""
        try:
            stream = await self._inner.start_tls(ssl_context, server_hostname, timeout)
        except BaseException:
            await self.aclose()
            raise
        self._is_open = False  # the stream above it is to be closed instead
        tls_object = stream.get_extra_info("ssl_object")
        protocol = tls_object.selected_alpn_protocol() if tls_object else None
        version = tls_object.version() if tls_object else None
        self.observer.on_tls(version or "TLS", protocol or "http/1.1")
        return RecordedStream(stream, self.observer, self._opened)

    def get_extra_info(self, info: str) -> Any:
        """Return what the inner stream says of itself."""
        return self._inner.get_extra_info(info)

    async def aclose(self) -> None:
        """Close the connection, also when cancelled."""
        await self.close("by the harness")

    async def close(self, how: str) -> None:
        """Close the connection in order: the server sees its end."""
        if self._is_open:
            self._is_open = False
            with trio.move_on_after(DELIVERY_TIMEOUT, shield=True):
                await self._inner.aclose()
            self.observer.on_close(how)

    @property
    def idle(self) -> bool:
        """Return whether nothing waits to be read, not even the end."""
        return self._is_open and not self._inner.get_extra_info("is_readable")

    async def stays_idle(self) -> bool:
        """Return whether nothing waits to be read, a moment after the last response either.

        A server may close a connection after a response that does not say so, and its end may be
        on its way.
        """
        connection = self._inner.get_extra_info("socket")
        if self.idle and connection is not None:
            with trio.move_on_after(END_DELAY):
                await trio.lowlevel.wait_readable(connection)
        return self.idle

    async def read_waiting(self) -> bytes:
        """Return what waits to be read, unobserved; none where that is the end."""
        with trio.move_on_after(DELIVERY_TIMEOUT), suppress(httpcore.ReadError):
            return await self._inner.read(READ_SIZE)
        return b""

    async def half_close(self) -> None:
        """End our direction alone: the server sees its end, and can still respond.

        Over TLS the connection beneath it is half-closed, as when a client is gone.
        """
        found = self._inner.get_extra_info("socket")
        if found is not None:
            with suppress(OSError):  # the server may have reset it already
                found.shutdown(socket.SHUT_WR)
        else:
            await self._inner.get_extra_info("send_eof")()

    async def reset(self, how: str) -> None:
        """Reset the connection, once the server has been given what was sent so far.

        Over a stream that is not a socket this is a sudden close.
        """
        found = self._inner.get_extra_info("socket")
        if found is not None and self._is_open:
            await _wait_until_delivered(found)
            found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
        await self.close(how)


async def _wait_until_delivered(connection: trio.socket.SocketType) -> None:
    """Wait until the peer has everything, if the system reports that: a reset drops the rest."""
    try:
        from fcntl import ioctl
        from termios import TIOCOUTQ
    except ImportError:
        return
    with trio.move_on_after(DELIVERY_TIMEOUT):
        while any(  # noqa: ASYNC110
            ioctl(connection.fileno(), TIOCOUTQ, bytes(4))
        ):
            await trio.sleep(0.001)  # the kernel has no event for this
