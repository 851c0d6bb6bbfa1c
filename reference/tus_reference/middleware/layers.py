"""`LayeredService`: a handler with layers around it, for any shell to serve like a handler."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from tus_reference.model import Request, Response

if TYPE_CHECKING:
    from tus_reference.handler import Config

Respond = Callable[[Request], Coroutine[Any, Any, Response]]


class Service(Protocol):
    """What a shell serves: a `Handler`, or one with layers around it."""

    @property
    def config(self) -> Config:
        """The settings of the handler."""

    async def handle(self, request: Request) -> Response:
        """Return the answer to a request."""

    async def run_maintenance(self) -> None:
        """Look after the uploads until cancelled."""

    def interrupt_bodies(self) -> None:
        """End every body that is being received, now and from now on."""


class Layer(Protocol):
    """Something that happens before a request is answered, or after."""

    async def answer(self, request: Request, respond: Respond) -> Response:
        """Return an answer of its own, or what `respond` answers, changed or not."""


class LayeredService:
    """A service with `layers` around it; the first is the outermost."""

    def __init__(self, service: Service, *layers: Layer) -> None:
        self._service = service
        self.config = service.config
        # Partial calls, since every coroutine around another has its price at each request.
        respond: Respond = service.handle
        for layer in reversed(layers):
            respond = partial(layer.answer, respond=respond)
        self.handle = respond

    async def run_maintenance(self) -> None:
        """Look after the uploads until cancelled."""
        await self._service.run_maintenance()

    def interrupt_bodies(self) -> None:
        """End every body that is being received, now and from now on."""
        self._service.interrupt_bodies()
