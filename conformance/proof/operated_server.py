"""A server in memory with its operator: the programs that a profile names, without a process."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import trio

from tus_reference.defects import ModifiedHandler
from tus_reference.model import FileInfo

URL = "http://tus.test/files/"
RESTART = "restart"
NEW_UPLOAD = "new-upload {length}"


class OperatedServer:
    """A server that can be started anew over the same store, remembering nothing else."""

    def __init__(self, start: Callable[[], ModifiedHandler], background: trio.Nursery) -> None:
        self._start = start
        self._background = background
        self._maintenance_scope = trio.CancelScope()
        self.restarts = 0
        self.server = self._start_server()

    def _start_server(self) -> ModifiedHandler:
        self._maintenance_scope.cancel()
        self._maintenance_scope = trio.CancelScope()
        server = self._start()
        self._background.start_soon(self._run_maintenance, server, self._maintenance_scope)
        return server

    @staticmethod
    async def _run_maintenance(server: ModifiedHandler, scope: trio.CancelScope) -> None:
        with scope:
            await server.run_maintenance()

    async def remove_uploads(self) -> None:
        """Remove every upload, so that nobody has to look them through."""
        composer = self.server.config.composer
        if composer.info_saver is None or composer.terminater is None:
            return
        for each in [info.id async for info in composer.info_saver.list_uploads()]:
            await composer.terminater.terminate(each)

    async def run_command(self, command: str, **values: str) -> bytes:
        """Do what a program of the profile would do, and return what it would print."""
        if command == RESTART:
            self.restarts += 1
            self.server = self._start_server()
            return b""
        assert command == NEW_UPLOAD, command
        info = FileInfo(size=int(values["length"]))
        created: Any = await self.server.uploads.store.new_upload(info)
        return f"{URL}{created}\n".encode()
