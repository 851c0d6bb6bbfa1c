"""A network in memory: each connection is a pair of streams, the far end of which is served here.

For runs against servers without a socket, hundreds at a time.
"""

# ruff: noqa: ARG002, ASYNC109 (the signatures are httpcore's)

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import httpcore
import trio
from trio.testing import MemoryReceiveStream, memory_stream_pair

Serve = Callable[[trio.abc.Stream], Awaitable[None]]
MakeStreamPair = Callable[[], tuple[trio.abc.Stream, trio.abc.Stream]]


@asynccontextmanager
async def memory_network(
    serve: Serve, pair: MakeStreamPair = memory_stream_pair
) -> AsyncIterator[MemoryBackend]:
    """Serve every connection made through the backend this yields, until it is left.

    `pair` makes the streams; those of `trio.testing.lockstep_stream_pair` hold back a writer until
    its reader has read.
    """
    async with trio.open_nursery() as nursery:
        yield MemoryBackend(serve, nursery, pair)
        nursery.cancel_scope.cancel()


class MemoryBackend(httpcore.AsyncNetworkBackend):
    """Whatever the host and port, a connection leads to `serve`, run in the nursery."""

    def __init__(
        self, serve: Serve, nursery: trio.Nursery, pair: MakeStreamPair = memory_stream_pair
    ) -> None:
        self._serve = serve
        self._nursery = nursery
        self._pair = pair

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> MemoryStream:
        """Start serving a new connection and return its near end."""
        near, far = self._pair()
        self._nursery.start_soon(self._serve_connection, far)
        await trio.lowlevel.checkpoint()
        return MemoryStream(near)

    async def _serve_connection(self, far: trio.abc.Stream) -> None:
        async with far:
            try:
                await self._serve(far)
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                # The client has gone; a server loses that connection and nothing else.
                return


class MemoryStream(httpcore.AsyncNetworkStream):
    """Any trio stream as httpcore sees one."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self._stream = stream

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Return the next bytes, or none at the end; raise httpcore.ReadError."""
        with (
            _translate_errors(httpcore.ReadError, httpcore.ReadTimeout),
            trio.fail_after(_finite_timeout(timeout)),
        ):
            return bytes(await self._stream.receive_some(max_bytes))

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send bytes; raise httpcore.WriteError."""
        with (
            _translate_errors(httpcore.WriteError, httpcore.WriteTimeout),
            trio.fail_after(_finite_timeout(timeout)),
        ):
            await self._stream.send_all(buffer)

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> MemoryStream:
        """Begin TLS and return the stream above it; raise httpcore.ConnectError."""
        stream = trio.SSLStream(
            self._stream, ssl_context, server_hostname=server_hostname, https_compatible=True
        )
        with (
            _translate_errors(httpcore.ConnectError, httpcore.ConnectTimeout),
            trio.fail_after(_finite_timeout(timeout)),
        ):
            await stream.do_handshake()
        return MemoryStream(stream)

    def get_extra_info(self, info: str) -> Any:
        """Return the TLS object where there is one, how to half-close, and if bytes wait.

        There is no socket.
        """
        if info == "is_readable":
            return self._is_readable()
        if info == "send_eof" and isinstance(self._stream, trio.abc.HalfCloseableStream):
            return self._stream.send_eof
        if info == "ssl_object" and isinstance(self._stream, trio.SSLStream):
            return self._stream._ssl_object  # noqa: SLF001  (trio has no public name for it)
        return None

    def _is_readable(self) -> bool:
        """Return whether bytes or the end wait to be read; False if that is not known."""
        stream = self._stream
        receive_stream = stream.receive_stream if isinstance(stream, trio.StapledStream) else None
        if not isinstance(receive_stream, MemoryReceiveStream):
            return False
        incoming = receive_stream._incoming  # noqa: SLF001  (trio has no public name for it)
        return bool(incoming._data) or incoming._closed  # noqa: SLF001

    async def aclose(self) -> None:
        """Close the connection; its far end sees the end of the stream."""
        await self._stream.aclose()


@contextmanager
def _translate_errors(broken: type[Exception], late: type[Exception]) -> Iterator[None]:
    try:
        yield
    except trio.TooSlowError as error:
        raise late(error) from error
    except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
        raise broken(error) from error


def _finite_timeout(timeout: float | None) -> float:
    return float("inf") if timeout is None else timeout
