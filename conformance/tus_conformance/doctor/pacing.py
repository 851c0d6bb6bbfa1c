"""Requests at the rate that the target takes.

A proxy may refuse requests that follow each other quickly. Such a refusal says nothing of what a
stage asks, so the request is sent again after a pause, and all others wait for their turn.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio

from tus_conformance.discovery.preflight import speaks_tus
from tus_conformance.targets.target import Target
from tus_conformance.targets.transport_protocol import Transport
from tus_conformance.transport import HttpRequest, HttpResponse, PendingRequest
from tus_conformance.transport.header_values import (
    header_value,
    read_integer,
)
from tus_conformance.transport.http1_transport import BodySink

_RETRIES = 3
_FIRST_PAUSE = 1.0
_MAX_PAUSE = 5.0
_FIRST_INTERVAL = 0.2
_MAX_INTERVAL = 1.6
_BURST = 60
"""How many requests show whether a single refusal was one of the rate."""


class PacedTransport:
    """A transport that sends a request again where its rate was refused.

    `refusals` are the responses that refused one which got through later, `sent` counts the
    requests, and `late_refusals` those refusals of an open request, which cannot be sent again.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._interval = 0.0
        self._next = 0.0
        self._in_vain: set[str] = set()
        self.refusals: list[HttpResponse] = []
        self.late_refusals: list[HttpResponse] = []
        self.sent = 0
        self._is_limited: bool | None = None

    async def send(
        self, http_request: HttpRequest, *, sink: BodySink | None = None
    ) -> HttpResponse:
        """Send a request, up to three times again while its rate is refused."""
        response = await self._send(http_request, sink)
        if not is_rate_refusal(response) or http_request.method in self._in_vain:
            return response
        pause = _retry_after(response) or _FIRST_PAUSE
        for _ in range(_RETRIES):
            await trio.sleep(min(pause, _MAX_PAUSE))
            pause *= 2
            again = await self._send(http_request, sink)
            if not is_rate_refusal(again):
                self._slow_down(response)
                return again
        self._in_vain.add(http_request.method)
        return response

    async def _send(self, http_request: HttpRequest, sink: BodySink | None) -> HttpResponse:
        await self._take_turn()
        return await self._transport.send(http_request, sink=sink)

    async def is_limited(self, target: Target) -> bool:
        """Return whether requests that follow each other at once are refused; ask only once."""
        if self._is_limited is None:
            headers = (("Tus-Resumable", "1.0.0"), *target.headers)
            request = HttpRequest(method="OPTIONS", url=target.url, headers=headers)
            self._is_limited = False
            for _ in range(_BURST):
                self._is_limited |= is_rate_refusal(await self._transport.send(request))
                if self._is_limited:
                    break
        return self._is_limited

    async def _take_turn(self) -> None:
        self.sent += 1
        now = trio.current_time()
        turn = max(now, self._next)
        self._next = turn + self._interval
        await trio.sleep_until(turn)

    def _slow_down(self, refusal: HttpResponse) -> None:
        self.refusals.append(refusal)
        self._interval = min(_MAX_INTERVAL, 2 * self._interval or _FIRST_INTERVAL)

    @asynccontextmanager
    async def open(
        self, http_request: HttpRequest, *, sink: BodySink | None = None
    ) -> AsyncIterator[PendingRequest]:
        """Open a request in its turn; note where its rate was refused."""
        await self._take_turn()
        async with self._transport.open(http_request, sink=sink) as pending:
            yield pending
        if is_rate_refusal(pending.partial_response) and "open" not in self._in_vain:
            self.late_refusals.append(pending.partial_response)

    def take_late_refusals(self) -> bool:
        """Return whether open requests were refused, and slow down for the next."""
        late, self.late_refusals = self.late_refusals, []
        if late:
            self._slow_down(late[0])
            self._in_vain.add("open")  # a stage is examined once again, not more
        return bool(late)


def is_rate_refusal(response: HttpResponse) -> bool:
    """Return whether a response asks for fewer requests: 429, or 503 not from the tus server."""
    return response.status == 429 or (response.status in {503, 509} and not speaks_tus(response))


def _retry_after(response: HttpResponse) -> float:
    value = header_value(response.headers, "Retry-After") or ""
    return float(read_integer(value) or 0)
