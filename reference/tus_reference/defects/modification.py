"""`Modification`: a way to differ from the handler, and `ModifiedHandler`: a handler that does.

A behaviour touches only the requests that concern it; all others reach the plain handler
as they are. What it remembers is kept in the handler's `memory`, and nowhere else.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tus_reference.handler import Handler
from tus_reference.model import Refused

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import trio

    from tus_reference.handler import Config
    from tus_reference.model import Request, Response

    CallNext = Callable[[Request], Awaitable[Response]]
    EditResponse = Callable[[Request, Response], Response]
    WrapHandler = Callable[["ModifiedHandler", Request, CallNext], Awaitable[Response]]
    RequestMatcher = Callable[[Request], bool]


def matches_all(request: Request) -> bool:
    """Concern every request."""
    return True


@dataclass(frozen=True)
class Modification:
    """What is done differently: to the settings, around the handler, to answers, on the wire."""

    matches: RequestMatcher = matches_all
    edit_response: EditResponse | None = None
    wrap_handler: WrapHandler | None = None
    change_config: Callable[[Config], Config] | None = None
    wrap_stream: Callable[[trio.abc.Stream], trio.abc.Stream] | None = None

    async def apply(
        self, handler: ModifiedHandler, request: Request, respond: CallNext
    ) -> Response:
        """Answer a request in this manner."""
        if not self.matches(request):
            return await respond(request)
        if self.wrap_handler is not None:
            return await self.wrap_handler(handler, request, respond)
        response = await respond(request)
        return response if self.edit_response is None else self.edit_response(request, response)


@dataclass(slots=True)
class HandlerMemory:
    """What behaviours remember from one request to the next."""

    marked: set[str] = field(default_factory=set)
    texts: dict[str, str] = field(default_factory=dict)
    data: dict[str, bytes] = field(default_factory=dict)


class ModifiedHandler(Handler):
    """A handler with behaviours around it; the last one is outermost."""

    def __init__(self, config: Config, *modifications: Modification) -> None:
        for modification in modifications:
            if modification.change_config is not None:
                config = modification.change_config(config)
        super().__init__(config)
        self.modifications = modifications
        self.memory = HandlerMemory()

    async def handle(self, request: Request) -> Response:
        """Return the answer to `request`, differently where it is concerned."""
        return await self._handle_at_depth(len(self.modifications), request)

    async def _handle_at_depth(self, depth: int, request: Request) -> Response:
        if depth == 0:
            return await super().handle(request)

        async def call_next(request: Request) -> Response:
            return await self._handle_at_depth(depth - 1, request)

        try:
            return await self.modifications[depth - 1].apply(self, request, call_next)
        except Refused as refusal:
            # A repeated header is refused by the plain handler, in its own words.
            if depth == 1:
                return await super().handle(request)
            raise refusal from None

    def wrap_stream(self, stream: trio.abc.Stream) -> trio.abc.Stream:
        """Return the stream as this server writes to it and reads from it."""
        for modification in self.modifications:
            if modification.wrap_stream is not None:
                stream = modification.wrap_stream(stream)
        return stream
