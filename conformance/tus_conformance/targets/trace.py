"""The latest exchanges with a target: what a server did before it exited or hung."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from tus_conformance.targets.transport_protocol import Transport
from tus_conformance.transport import HttpRequest, HttpResponse, PendingRequest
from tus_conformance.transport.http1_transport import BodySink
from tus_reports import Exchange

MAX_TRACED = 32
"""How many exchanges a trace goes back."""


@dataclass(frozen=True)
class LastExchanges:
    """What came just before an end: the last exchange with an answer, the first without one."""

    answered: Exchange | None = None
    unanswered: Exchange | None = None

    @property
    def exchanges(self) -> tuple[Exchange, ...]:
        """Return those of the two that there are, in their order."""
        return tuple(each for each in (self.answered, self.unanswered) if each is not None)

    @property
    def summary(self) -> str:
        """Return what was asked last, or nothing where nothing was."""
        clauses = []
        if self.answered is not None and self.answered.response is not None:
            got = self.answered.response.status
            clauses.append(f"the last response was {got}, to {_describe_request(self.answered)}")
        if self.unanswered is not None:
            clauses.append(
                f"the first request without a response was {_describe_request(self.unanswered)}"
            )
        return "; ".join(clauses)


class TracedTransport:
    """A route that remembers the latest exchanges on it.

    `endless_seconds` is how long it has read responses that did not end.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._latest: deque[HttpResponse] = deque(maxlen=MAX_TRACED)
        self.endless_seconds = 0.0

    async def send(
        self, http_request: HttpRequest, *, sink: BodySink | None = None
    ) -> HttpResponse:
        """Send a request, and remember its exchange."""
        http_response = await self._transport.send(http_request, sink=sink)
        self._remember(http_response)
        return http_response

    @asynccontextmanager
    async def open(
        self, http_request: HttpRequest, *, sink: BodySink | None = None
    ) -> AsyncIterator[PendingRequest]:
        """Hold a request, and remember its exchange when it is over."""
        async with self._transport.open(http_request, sink=sink) as pending:
            try:
                yield pending
            finally:
                self._remember(pending.partial_response)

    def _remember(self, http_response: HttpResponse) -> None:
        failure = http_response.failure
        if failure is not None and failure.kind == "endless":
            self.endless_seconds += _end_time(http_response) - http_response.exchange.at
        # Where nothing accepts connections, the first of many attempts says as much as all.
        refused = failure is not None and failure.kind == "unreachable"
        if refused and self._latest and self._latest[-1].status is None:
            return
        self._latest.append(http_response)

    def take_last_exchanges(self) -> LastExchanges:
        """Return the latest exchanges, and forget them."""
        # Requests are remembered when they are over, and those side by side in any order.
        latest = sorted((each for each in self._latest if not _cut_by_suite(each)), key=_end_time)
        self._latest.clear()
        places = [place for place, each in enumerate(latest) if each.status is not None]
        answered = latest[places[-1]].exchange if places else None
        unanswered = [each.exchange for each in latest[places[-1] + 1 if places else 0 :]]
        return LastExchanges(answered, min(unanswered, key=lambda each: each.at, default=None))


def _cut_by_suite(http_response: HttpResponse) -> bool:
    """Return whether it was the suite that ended a request without an answer."""
    return http_response.cut and http_response.status is None


def _end_time(http_response: HttpResponse) -> float:
    exchange = http_response.exchange
    return exchange.at + max((event.at for event in exchange.events), default=0.0)


def _describe_request(exchange: Exchange) -> str:
    return f"{exchange.method} {exchange.url}"
