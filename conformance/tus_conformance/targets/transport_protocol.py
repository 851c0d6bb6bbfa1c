"""What a transport to a target is for those who send over it."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from tus_conformance.transport import HttpRequest, HttpResponse, PendingRequest
from tus_conformance.transport.http1_transport import BodySink


class SendOnlyTransport(Protocol):
    """What sends requests and returns what came back."""

    async def send(
        self, http_request: HttpRequest, *, sink: BodySink | None = None
    ) -> HttpResponse:
        """Send a request; raise UnsupportedByTransportError where it cannot go this way."""
        ...


class Transport(SendOnlyTransport, Protocol):
    """A transport that can also send a body step by step; `Http1Transport` is one."""

    def open(
        self, http_request: HttpRequest, *, sink: BodySink | None = None
    ) -> AbstractAsyncContextManager[PendingRequest]:
        """Return a request whose body waits; raise UnsupportedByTransportError as `send` does."""
        ...
