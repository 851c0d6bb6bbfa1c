"""Keeps every request at the target's origin and at those that the user names.

A server can name any host in Location. Nothing is sent there without the user's word: neither the
user's headers, nor a PATCH, nor the DELETE of the clean-up. Of another origin it is only found out
whether a connection is accepted there, once, without a byte.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import trio

from tus_conformance.targets.transport_protocol import Transport
from tus_conformance.transport import HttpRequest, HttpResponse, NetworkFailure, PendingRequest
from tus_conformance.transport.address import DEFAULT_PORTS
from tus_conformance.transport.header_values import origin_of
from tus_conformance.transport.http1_transport import BodySink
from tus_reports import Exchange

OriginKey = tuple[str, str, int | None]
ConnectionTest = Callable[[str, int], Awaitable[bool]]

CONNECT_TIMEOUT = 5.0
"""Seconds in which another origin accepts a connection."""

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class OtherOriginError(Exception):
    """A request was not sent, since its origin is not the target's; the message says what to do."""


async def accepts_connections(host: str, port: int) -> bool:
    """Return whether a connection is accepted; nothing is sent over it."""
    with trio.move_on_after(CONNECT_TIMEOUT):
        try:
            await (await trio.open_tcp_stream(host, port)).aclose()
        except (OSError, ValueError):
            return False
        return True
    return False


@dataclass
class OriginGuard:
    """A transport that sends only to the target and to `allowed` origins, which may grow.

    A request for another one gets a response without a status whose failure is `other-origin`, or
    `dead-origin` where nothing accepts a connection, an allowed origin that is not the target's
    included. Without `test_connection` nothing is found out about other origins.
    """

    transport: Transport
    target_url: str
    allowed: Collection[str] = ()
    redact: Callable[[str], str] = str
    test_connection: ConnectionTest | None = accepts_connections
    _alive: dict[OriginKey, bool] = field(default_factory=dict, init=False)
    _lock: trio.Lock = field(default_factory=trio.Lock, init=False)

    def __post_init__(self) -> None:
        self._home = _normalize(self.target_url)

    async def send(
        self, http_request: HttpRequest, *, sink: BodySink | None = None
    ) -> HttpResponse:
        """Send a request, unless its origin is another one."""
        failure = await self._find_obstacle(http_request.url)
        if failure is None:
            return await self.transport.send(http_request, sink=sink)
        url = self.redact(http_request.url)
        exchange = Exchange(
            method=http_request.method, url=url, at=0.0, request_head="", failure=failure.message
        )
        return HttpResponse(exchange, failure=failure)

    @asynccontextmanager
    async def open(
        self, http_request: HttpRequest, *, sink: BodySink | None = None
    ) -> AsyncIterator[PendingRequest]:
        """Open a request; raise OtherOriginError where its origin is another one."""
        failure = await self._find_obstacle(http_request.url)
        if failure is not None:
            raise OtherOriginError(failure.message)
        async with self.transport.open(http_request, sink=sink) as pending:
            yield pending

    async def _find_obstacle(self, url: str) -> NetworkFailure | None:
        try:
            origin = _normalize(url)
        except ValueError:
            return None  # the transport says what is wrong with it
        if origin == self._home or origin[0] not in DEFAULT_PORTS or not origin[1]:
            return None
        shown = self.redact(format_origin(origin))
        if not await self._is_alive(origin):
            return NetworkFailure(
                "dead-origin",
                f"Location names {shown}, and nothing accepts connections there:"
                " correct the public URL in the configuration of the server or its proxy.",
            )
        if origin in map(_normalize, self.allowed):
            return None
        return NetworkFailure(
            "other-origin",
            f"Location names {shown}, which is not the target's origin, so nothing was sent there:"
            f' add `origins = ["{shown}"]` to the profile if the suite may send requests and your'
            " headers to it.",
        )

    async def _is_alive(self, origin: OriginKey) -> bool:
        async with self._lock:
            if origin not in self._alive:
                test = self.test_connection
                port = origin[2] or DEFAULT_PORTS[origin[0]]
                self._alive[origin] = test is None or await test(origin[1], port)
            return self._alive[origin]


def format_origin(origin: OriginKey) -> str:
    """Return an origin as a URL without a path."""
    scheme, host, port = origin
    shown = f"[{host}]" if ":" in host else host
    return f"{scheme}://{shown}" + ("" if port == DEFAULT_PORTS.get(scheme) else f":{port}")


def same_origin(one: str, other: str) -> bool:
    """Return whether two URLs are of one origin; the names of this machine are one."""
    return _normalize(one) == _normalize(other)


def _normalize(url: str) -> OriginKey:
    """Return the origin of a URL; the names of this machine are one."""
    scheme, host, port = origin_of(url)
    return scheme, "localhost" if host in _LOOPBACK else host, port
