"""`Layered`: a handler with layers around it, which any shell serves as it would the handler."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Protocol

from tus_reference.handler import Request, Response

if TYPE_CHECKING:
    from tus_reference.handler import Config

Respond = Callable[[Request], Awaitable[Response]]


class Service(Protocol):
    """What a shell serves: a `Handler`, or one with layers around it."""

    @property
    def config(self) -> Config:
        """The settings of the handler."""

    async def handle(self, request: Request) -> Response:
        """Return the answer to a request."""

    async def keep_up(self) -> None:
        """Look after the uploads until cancelled."""

    def interrupt_all(self) -> None:
        """End every body that is being received, now and from now on."""


class Layer(Protocol):
    """Something that happens before a request is answered, or after."""

    async def answer(self, request: Request, respond: Respond) -> Response:
        """Return an answer of its own, or what `respond` answers, changed or not."""


class Layered:
    """A service with `layers` around it; the first is the outermost."""

    def __init__(self, service: Service, *layers: Layer) -> None:
        self._service = service
        self.config = service.config
        respond: Respond = service.handle
        for layer in reversed(layers):
            respond = _around(layer, respond)
        self._respond = respond

    async def handle(self, request: Request) -> Response:
        """Return the answer of the outermost layer."""
        return await self._respond(request)

    async def keep_up(self) -> None:
        """Look after the uploads until cancelled."""
        await self._service.keep_up()

    def interrupt_all(self) -> None:
        """End every body that is being received, now and from now on."""
        self._service.interrupt_all()


def _around(layer: Layer, respond: Respond) -> Respond:
    async def answer(request: Request) -> Response:
        return await layer.answer(request, respond)

    return answer
