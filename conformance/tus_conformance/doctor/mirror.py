"""The mirror: a tus server of our own behind the proxy, which notes what arrives.

The server is the reference as a process; the relay of `record` stands before it and sees every
request as the proxy sent it on. Requests bear a mark, by which both ends are put side by side.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import trio

from tus_conformance.doctor.examination import MARK_HEADER
from tus_conformance.doctor.timeouts import DELAY_HEADER
from tus_conformance.proxy import ProxiedRequest, ProxyServer, Upstream
from tus_conformance.proxy.fault_rules import ChosenFault
from tus_conformance.targets.server_process import run_reference_server
from tus_conformance.transport import InjectedFault, Stall

_MAX_DELAY = 300.0


@dataclass(frozen=True)
class ArrivedRequest:
    """A request as it arrived behind the proxy."""

    proxied: ProxiedRequest

    @property
    def head(self) -> str:
        """Return the request line and the headers."""
        request = self.proxied
        lines = [f"{request.method} {request.target}"]
        return "\n".join([*lines, *(f"{name}: {value}" for name, value in request.headers)])

    @property
    def response_headers(self) -> tuple[tuple[str, str], ...]:
        """Return the headers of the response, as they left."""
        return self.proxied.response_headers

    @property
    def method(self) -> str:
        """Return the method."""
        return self.proxied.method

    def header(self, name: str) -> str | None:
        """Return the value of a header of the request, None without."""
        return self.proxied.header(name)


@dataclass
class Mirror:
    """What has arrived so far, by the mark of each request."""

    arrived: dict[str, ArrivedRequest] = field(default_factory=dict)
    count: int = 0

    def find(self, mark: str) -> ArrivedRequest | None:
        """Return what arrived of the request with a mark, None where nothing did."""
        return self.arrived.get(mark)

    def add(self, proxied: ProxiedRequest) -> None:
        """Note a request that has arrived."""
        self.count += 1
        mark = proxied.header(MARK_HEADER)
        if mark is not None:
            self.arrived[mark] = ArrivedRequest(proxied)


def choose_delay(proxied: ProxiedRequest) -> ChosenFault:
    """Keep a request back for as long as it asks, so that its response is late."""
    text = proxied.header(DELAY_HEADER) or ""
    try:
        seconds = min(float(text), _MAX_DELAY)
    except ValueError:
        return ChosenFault()
    return ChosenFault(faults=(InjectedFault(Stall(seconds), 0, "head"),))


@asynccontextmanager
async def open_mirror(port: int, path: str) -> AsyncIterator[Mirror]:
    """Serve uploads at a path on a port of 127.0.0.1; yield what arrives there.

    Raises ServerError or ListenError where that cannot be done.
    """
    flags = ("--behind-proxy", "--base-path", path)
    async with run_reference_server("file", flags=flags) as url:
        mirror = Mirror()
        relay = ProxyServer(Upstream(url), choose=choose_delay, on_request=mirror.add)
        async with trio.open_nursery() as nursery:
            await nursery.start(relay.serve, port)
            try:
                yield mirror
            finally:
                nursery.cancel_scope.cancel()
