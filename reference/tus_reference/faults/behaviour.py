"""`Behaviour`: a way to differ from the handler, and `Behaving`: a handler that does.

A behaviour touches only the requests that concern it; all others reach the plain handler
as they are. What it remembers is kept in the handler's `memory`, and nowhere else.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tus_reference.handler import Handler
from tus_reference.protocol import Refused

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import trio

    from tus_reference.handler import Config, Request, Response

    Respond = Callable[[Request], Awaitable[Response]]
    Alter = Callable[[Request, Response], Response]
    Act = Callable[["Behaving", Request, Respond], Awaitable[Response]]
    Concerns = Callable[[Request], bool]


def everything(request: Request) -> bool:
    """Concern every request."""
    return True


@dataclass(frozen=True)
class Behaviour:
    """What is done differently: to the settings, around the handler, to answers, on the wire."""

    concerns: Concerns = everything
    alter: Alter | None = None
    act: Act | None = None
    settings: Callable[[Config], Config] | None = None
    carried: Callable[[trio.abc.Stream], trio.abc.Stream] | None = None

    async def answer(self, behaving: Behaving, request: Request, respond: Respond) -> Response:
        """Answer a request in this manner."""
        if not self.concerns(request):
            return await respond(request)
        if self.act is not None:
            return await self.act(behaving, request, respond)
        response = await respond(request)
        return response if self.alter is None else self.alter(request, response)


@dataclass(slots=True)
class Memory:
    """What behaviours remember from one request to the next."""

    marked: set[str] = field(default_factory=set)
    texts: dict[str, str] = field(default_factory=dict)
    data: dict[str, bytes] = field(default_factory=dict)


class Behaving(Handler):
    """A handler with behaviours around it; the last one is outermost."""

    def __init__(self, config: Config, *behaviours: Behaviour) -> None:
        for behaviour in behaviours:
            if behaviour.settings is not None:
                config = behaviour.settings(config)
        super().__init__(config)
        self.behaviours = behaviours
        self.memory = Memory()

    async def handle(self, request: Request) -> Response:
        """Return the answer to `request`, differently where it is concerned."""
        return await self._layer(len(self.behaviours), request)

    async def _layer(self, depth: int, request: Request) -> Response:
        if depth == 0:
            return await super().handle(request)

        async def inner(request: Request) -> Response:
            return await self._layer(depth - 1, request)

        try:
            return await self.behaviours[depth - 1].answer(self, request, inner)
        except Refused as refusal:
            # A repeated header is refused by the plain handler, in its own words.
            if depth == 1:
                return await super().handle(request)
            raise refusal from None

    def carry(self, stream: trio.abc.Stream) -> trio.abc.Stream:
        """Return the stream as this server writes to it and reads from it."""
        for behaviour in self.behaviours:
            if behaviour.carried is not None:
                stream = behaviour.carried(stream)
        return stream
