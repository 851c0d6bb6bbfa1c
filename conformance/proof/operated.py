"""A server in memory with its operator: the programs that a profile names, without a process."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import trio

from tus_reference.faults import Behaving
from tus_reference.handler import FileInfo

URL = "http://tus.test/files/"
RESTART = "restart"
NEW_UPLOAD = "new-upload {length}"


class Operated:
    """A server that can be started anew over the same store, remembering nothing else."""

    def __init__(self, start: Callable[[], Behaving], background: trio.Nursery) -> None:
        self._start = start
        self._background = background
        self._life = trio.CancelScope()
        self.restarts = 0
        self.server = self._started()

    def _started(self) -> Behaving:
        self._life.cancel()
        self._life = trio.CancelScope()
        server = self._start()
        self._background.start_soon(self._keep_up, server, self._life)
        return server

    @staticmethod
    async def _keep_up(server: Behaving, life: trio.CancelScope) -> None:
        with life:
            await server.keep_up()

    async def clear(self) -> None:
        """Remove every upload, so that nobody has to look them through."""
        composer = self.server.config.composer
        if composer.recorder is None or composer.terminater is None:
            return
        for each in [info.id async for info in composer.recorder.uploads()]:
            await composer.terminater.terminate(each)

    async def output(self, command: str, **values: str) -> bytes:
        """Do what a program of the profile would do, and return what it would print."""
        if command == RESTART:
            self.restarts += 1
            self.server = self._started()
            return b""
        assert command == NEW_UPLOAD, command
        info = FileInfo(size=int(values["length"]))
        made: Any = await self.server.uploads.store.new_upload(info)
        return f"{URL}{made}\n".encode()
