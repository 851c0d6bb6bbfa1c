"""A server with changes: layers of middleware around its handler, settings, wrapped streams."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import trio

from tus_defects.call import Call, Memory
from tus_defects.server import Server
from tus_defects.variant import Act, Change
from tus_reference.handler import Config, Handler
from tus_reference.middleware import Layer, LayeredService, Respond
from tus_reference.model import Download, Refused, Request, Response


class ChangeLayer:
    """The layer of middleware that one change is; what it remembers begins empty."""

    def __init__(self, change: Change, server: Server) -> None:
        self._change = change
        self._server = server
        self._memory = Memory()

    async def answer(self, request: Request, respond: Respond) -> Response:
        """Respond to a request, in another way where it is concerned."""
        act, remembers = self._change.act, self._change.match.remembers
        concerned = self._change.concerns(request, self._server)
        if act is None or not (concerned or remembers):
            return await respond(request)
        downloads: list[Download] = []

        async def pass_on(request: Request) -> Response:
            response = await respond(request)
            if isinstance(response.body, Download):
                downloads.append(response.body)
            return response

        call = Call(request, self._server, self._memory, pass_on)
        if remembers:
            response = await self._remember(act if concerned else Call.respond, call)
        else:
            response = await _act(act, call)
        if not isinstance(response.body, Download):
            # Nobody sends what another response took the place of.
            for download in downloads:
                await download.chunks.aclose()
        return response

    async def _remember(self, act: Act, call: Call) -> Response:
        """Respond, and remember what the request did."""
        history, method = self._memory.history, call.method
        response = None
        call = replace(call, ordinal=history.count(call.upload_id, method))
        try:
            response = await _act(act, call)
        finally:
            history.note(call.request, method, call.upload_id, response)
        return response


async def _act(act: Act, call: Call) -> Response:
    try:
        return await act(call)
    except Refused:
        # What a defect cannot read, the server refuses in its own words.
        return await call.respond()


def configure(config: Config, changes: Sequence[Change]) -> Config:
    """Return the settings of a server with changes."""
    for change in changes:
        config = config if change.configure is None else change.configure(config)
    return config


def layers(config: Config, changes: Sequence[Change], cors: Layer | None = None) -> list[Layer]:
    """Return the layers for changes, the outermost first; `config` is the handler's, validated.

    What is about pages of other origins is outside `cors`, the layer that serves these.
    """
    server = Server(config)
    acting = [each for each in reversed(changes) if each.act is not None]
    return [
        *(ChangeLayer(each, server) for each in acting if each.is_about_origins),
        *([] if cors is None else [cors]),
        *(ChangeLayer(each, server) for each in acting if not each.is_about_origins),
    ]


def wrap_stream(
    stream: trio.abc.Stream, config: Config, changes: Sequence[Change]
) -> trio.abc.Stream:
    """Return the stream of a connection as a server with changes reads and writes it."""
    for change in changes:
        if change.wrap_stream is not None:
            stream = change.wrap_stream(stream, Server(config))
    return stream


class ChangedService(LayeredService):
    """A handler with changes around it; raises `ConfigError` for settings that cannot work."""

    def __init__(self, config: Config, *changes: Change, cors: Layer | None = None) -> None:
        handler = Handler(configure(config, changes))
        super().__init__(handler, *layers(handler.config, changes, cors))
        self.changes = changes

    def wrap(self, stream: trio.abc.Stream) -> trio.abc.Stream:
        """Return the stream of a connection as this server reads and writes it."""
        return wrap_stream(stream, self.config, self.changes)


@dataclass(eq=False)
class ChangedListener(trio.abc.Listener[trio.abc.Stream]):
    """A listener whose connections a server with changes wraps."""

    listener: trio.abc.Listener[trio.abc.Stream]
    config: Config
    changes: Sequence[Change]

    async def accept(self) -> trio.abc.Stream:
        """Wait for a connection."""
        return wrap_stream(await self.listener.accept(), self.config, self.changes)

    async def aclose(self) -> None:
        """Stop listening."""
        await self.listener.aclose()
