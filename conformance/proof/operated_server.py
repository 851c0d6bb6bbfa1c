"""A server in memory with its operator: the programs that a profile names, without a process."""

from __future__ import annotations

from collections.abc import Sequence

import trio

from proof.traffic_recorder import TrafficRecorder
from tus_defects import Change, ChangedService
from tus_defects.server import Server
from tus_reference import Config, serve_stream
from tus_reference.middleware import Cors, LayeredService
from tus_reference.model import FileInfo

URL = "http://tus.test/files/"
RESTART = "restart"
NEW_UPLOAD = "new-upload {length}"


class OperatedServer:
    """A server with changes that can be restarted over the same store; its memory is lost then."""

    def __init__(
        self,
        config: Config,
        changes: Sequence[Change],
        recorder: TrafficRecorder,
        background: trio.Nursery,
    ) -> None:
        self._settings = config
        self._changes = changes
        self._recorder = recorder
        self._background = background
        self._maintenance_scope = trio.CancelScope()
        self.restarts = 0
        self._start()

    def _start(self) -> None:
        self._maintenance_scope.cancel()
        self._maintenance_scope = trio.CancelScope()
        self._server = ChangedService(self._settings, *self._changes, cors=Cors())
        self.config = self._server.config
        self._recorder.server = Server(self.config)
        self._service = LayeredService(self._server, self._recorder)
        self._background.start_soon(self._run_maintenance, self._server, self._maintenance_scope)

    @staticmethod
    async def _run_maintenance(server: ChangedService, scope: trio.CancelScope) -> None:
        with scope:
            await server.run_maintenance()

    async def serve(self, stream: trio.abc.Stream) -> None:
        """Serve one connection; the exchanges are recorded."""
        await serve_stream(self._service, self._server.wrap(stream))

    async def remove_uploads(self) -> None:
        """Remove every upload, so that nothing has to look them through."""
        server = Server(self.config)
        for each in await server.find_all():
            await server.remove(each.id)

    async def run_command(self, command: str, **values: str) -> bytes:
        """Do what a program of the profile would do, and return what it would print."""
        if command == RESTART:
            self.restarts += 1
            self._start()
            return b""
        assert command == NEW_UPLOAD, command
        store = self.config.composer.core
        assert store is not None
        created = await store.new_upload(FileInfo(size=int(values["length"])))
        return f"{URL}{created}\n".encode()
