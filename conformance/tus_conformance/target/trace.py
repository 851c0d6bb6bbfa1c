"""The latest exchanges with a target, whoever made them: what a server did before it went away."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from tus_conformance.target.route import Route
from tus_conformance.wire import Answer, Held, Outgoing
from tus_conformance.wire.wire import Sink
from tus_reports import Exchange

KEPT = 32
"""How many exchanges a trace goes back."""


@dataclass(frozen=True)
class End:
    """What came just before an end: the last exchange with an answer, the first without one."""

    answered: Exchange | None = None
    unanswered: Exchange | None = None

    @property
    def exchanges(self) -> tuple[Exchange, ...]:
        """Return those of the two that there are, in their order."""
        return tuple(each for each in (self.answered, self.unanswered) if each is not None)

    @property
    def sentence(self) -> str:
        """Return what was asked last, or nothing where nothing was."""
        said = []
        if self.answered is not None and self.answered.response is not None:
            got = self.answered.response.status
            said.append(f"the last answer before was {got}, to {_request(self.answered)}")
        if self.unanswered is not None:
            said.append(f"the first request without one was {_request(self.unanswered)}")
        return "; ".join(said)


class Traced:
    """A route that remembers the latest exchanges on it."""

    def __init__(self, route: Route) -> None:
        self._route = route
        self._latest: deque[Answer] = deque(maxlen=KEPT)

    async def send(self, outgoing: Outgoing, *, sink: Sink | None = None) -> Answer:
        """Send a request, and remember its exchange."""
        answer = await self._route.send(outgoing, sink=sink)
        self._latest.append(answer)
        return answer

    @asynccontextmanager
    async def hold(self, outgoing: Outgoing, *, sink: Sink | None = None) -> AsyncIterator[Held]:
        """Hold a request, and remember its exchange when it is over."""
        async with self._route.hold(outgoing, sink=sink) as held:
            try:
                yield held
            finally:
                self._latest.append(held.so_far)

    def end(self) -> End:
        """Return what came just before now, and begin anew."""
        # Requests are remembered when they are over, and those side by side in any order.
        latest = sorted((each for each in self._latest if not _broken_off(each)), key=_ended)
        self._latest.clear()
        places = [place for place, each in enumerate(latest) if each.status is not None]
        heard = latest[places[-1]].exchange if places else None
        silent = [each.exchange for each in latest[places[-1] + 1 if places else 0 :]]
        return End(heard, min(silent, key=lambda each: each.started, default=None))


def _broken_off(answer: Answer) -> bool:
    """Tell whether it was the suite that ended a request without an answer."""
    return answer.cut and answer.status is None


def _ended(answer: Answer) -> float:
    exchange = answer.exchange
    return exchange.started + max((event.at for event in exchange.events), default=0.0)


def _request(exchange: Exchange) -> str:
    return f"{exchange.method} {exchange.url}"
