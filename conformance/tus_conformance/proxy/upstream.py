"""The server behind the proxy: connections to it, and its URLs in the proxy's place."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from urllib.parse import urlsplit

import trio

from tus_conformance.targets.target import Target, TargetError
from tus_conformance.transport.http1_transport import create_ssl_context


class UpstreamError(ValueError):
    """The URL of the server cannot be used; the message says what to do."""


@dataclass(frozen=True)
class Upstream:
    """A server, by the URL where it creates uploads."""

    url: str

    def __post_init__(self) -> None:
        try:
            Target(self.url)
        except TargetError as wrong:
            raise UpstreamError(str(wrong)) from None

    @property
    def path(self) -> str:
        """Return the path where uploads are created."""
        return urlsplit(self.url).path or "/"

    @property
    def origin(self) -> str:
        """Return scheme, host and port as the URL has them."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"

    async def connect(self) -> trio.abc.HalfCloseableStream | trio.SSLStream[trio.SocketStream]:
        """Open a connection; raise OSError where there is none."""
        parts = urlsplit(self.url)
        assert parts.hostname is not None
        secure = parts.scheme == "https"
        stream = await trio.open_tcp_stream(parts.hostname, parts.port or (443 if secure else 80))
        if not secure:
            return stream
        context: ssl.SSLContext = create_ssl_context()
        wrapped = trio.SSLStream(
            stream, context, server_hostname=parts.hostname, https_compatible=True
        )
        try:
            await wrapped.do_handshake()
        except trio.BrokenResourceError as broken:
            raise OSError(f"TLS failed: {broken.__cause__ or broken}") from None
        return wrapped

    def through_proxy(self, place: str, location: str) -> str:
        """Return a Location of the server as one that leads through the proxy at `place`."""
        if location == self.origin or location.startswith(f"{self.origin}/"):
            return place + location.removeprefix(self.origin)
        return location
