"""`TusApp`: the handler as an ASGI application, to be mounted in another one or served itself.

ASGI carries less than HTTP. It has no trailers in requests, so checksum-trailer is not offered.
An application can neither send 100 (Continue), which servers do when it receives a body, nor
close a connection without a response: a client that stalled gets 503, which it retries
after that.
"""

from __future__ import annotations

from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import anyio

from tus_reference.asgi.response_sender import send_response
from tus_reference.asgi.scope_request import build_request
from tus_reference.handler import Handler, error_response
from tus_reference.middleware import LayeredService
from tus_reference.model import BodyEndedEarly, EarlyEnd, Response, errors
from tus_reference.protocol import TUS_VERSION

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tus_reference.asgi.messages import Message, Receive, Scope, Send
    from tus_reference.asgi.received_body import ReceivedBody
    from tus_reference.handler import Config
    from tus_reference.middleware import Layer, Service
    from tus_reference.model import Request

_STALLED = replace(errors.READ_TIMEOUT, status=503)


class TusApp:
    """An ASGI application; `config.base_path` is below the path where it is mounted.

    `layers` go around the handler, the first outermost. Raises `ConfigError`.
    """

    def __init__(self, config: Config, *layers: Layer) -> None:
        self.handler = Handler(replace(config, trailers=False))
        self._service: Service = LayeredService(self.handler, *layers)
        self._mounted = "://" not in self.handler.config.base_path
        self._bodies: set[ReceivedBody] = set()
        self._body_done = anyio.Event()
        self._maintenance_started = self.handler.config.expire_after == 0

    def add_layer(self, layer: Layer) -> None:
        """Put a layer around all that are there, such as one that had to know the handler."""
        self._service = LayeredService(self._service, layer)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or live as long as the application that this one is."""
        if scope["type"] == "http":
            await self._answer(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._run_lifespan(receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close"})
        else:
            raise ValueError(
                f"TusApp supports the ASGI scopes http and lifespan, not {scope['type']!r}."
            )

    @asynccontextmanager
    async def lifespan(self, _app: object = None) -> AsyncIterator[None]:
        """Maintain the uploads while the application runs; save received bytes when it stops.

        A parent application calls it in its own lifespan: no framework calls that of a mounted
        one. Bodies get `shutdown_timeout` seconds to be stored.
        """
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._service.run_maintenance)
            self._maintenance_started = True
            try:
                yield
            finally:
                tasks.cancel_scope.cancel()
                with anyio.CancelScope(shield=True):
                    await self._interrupt_bodies()

    async def _interrupt_bodies(self) -> None:
        for body in self._bodies:
            body.interrupt(EarlyEnd.STOPPING)
        with anyio.move_on_after(self.handler.config.shutdown_timeout):
            while self._bodies:
                self._body_done = anyio.Event()
                await self._body_done.wait()

    async def _run_lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        async with self.lifespan():
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self._maintenance_started:
            self._maintenance_started = True
            self.handler.config.logger.warning(
                "Expired uploads stay on the disk, because nobody runs the lifespan of TusApp: "
                "an application that mounts it has to, with its method lifespan."
            )
        request, body = await build_request(scope, receive, mounted=self._mounted)
        if body.unread == 0:
            response = await self._respond(request)
        else:
            response = await self._respond_while_receiving(request, body)

        async def send_if_read(message: Message) -> None:
            with suppress(OSError):
                await send(message)

        await send_response(scope, receive, send_if_read, response, body)

    async def _respond_while_receiving(self, request: Request, body: ReceivedBody) -> Response:
        """Answer while the body comes.

        A server that cannot wait cancels the request. The handler is out of reach of that: its
        body ends instead, and what came is stored.
        """
        answers: list[Response] = []
        shield = anyio.CancelScope(shield=True)

        async def answer() -> None:
            with shield:
                answers.append(await self._respond(request))
            tasks.cancel_scope.cancel()

        self._bodies.add(body)
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(answer)
                try:
                    await body.receive_all()
                except BaseException:
                    body.interrupt(EarlyEnd.STOPPING)
                    grace = self.handler.config.shutdown_timeout
                    shield.deadline = anyio.current_time() + grace
                    raise
        finally:
            self._bodies.discard(body)
            self._body_done.set()
        return answers[0]

    async def _respond(self, request: Request) -> Response:
        try:
            return await self._service.handle(request)
        except BodyEndedEarly as ended:
            error = _STALLED if ended.cause is EarlyEnd.STALLED else ended.error
            return error_response(error).with_headers(("Tus-Resumable", TUS_VERSION))
