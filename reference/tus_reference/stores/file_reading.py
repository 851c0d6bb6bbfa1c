"""`FileReading`: the bytes of an upload on disk, in pieces, or sent by the system itself."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Any, Final

import anyio

from tus_reference.stores.upload_threads import CallKind

if TYPE_CHECKING:
    from collections.abc import Callable

    from tus_reference.model import Refused
    from tus_reference.stores.upload_threads import UploadThreads

READ_SIZE: Final = 256 * 1024
SEND_SIZE: Final = 512 * 1024
"""How much the system sends at once, in bytes: the event loop may wait for it."""


class FileReading(AsyncGenerator[bytes, None]):
    """An iteration over `length` bytes from byte `start` on of the file at `path`; close it.

    It opens the file with its first piece, and raises what `describe_absence` returns if there is
    none.
    """

    def __init__(
        self,
        threads: UploadThreads,
        upload_id: str,
        path: str,
        *,
        start: int,
        length: int,
        describe_absence: Callable[[], Refused],
    ) -> None:
        self._threads = threads
        self._id = upload_id
        self._path = path
        self._position = start
        self._left = length
        self._describe_absence = describe_absence
        self._descriptor = -1

    async def asend(self, value: None) -> bytes:  # noqa: ARG002 - nobody sends anything
        """Return the next piece."""
        piece = b""
        if self._left > 0:
            if self._descriptor < 0:
                await self._open()
            size = min(self._left, READ_SIZE)
            piece = await self._threads.run(
                self._id, os.pread, self._descriptor, size, self._position
            )
        if not piece:
            await self.aclose()
            raise StopAsyncIteration
        self._advance(len(piece))
        return piece

    async def send_to(self, socket: int) -> int:
        """Let the system send the next bytes to a socket that does not block; return how many.

        0 at the end, which is that of the file if it is too short. Raises `BlockingIOError` if the
        socket takes nothing now.
        """
        if self._left <= 0 or self._descriptor < 0:
            return 0
        count = await self._threads.run_short(
            self._id,
            os.sendfile,
            socket,
            self._descriptor,
            self._position,
            min(self._left, SEND_SIZE),
            kind=CallKind.SENDS,
        )
        self._advance(count)
        return count

    def _advance(self, count: int) -> None:
        self._position += count
        self._left -= count

    async def _open(self) -> None:
        try:
            self._descriptor = await self._threads.run(self._id, os.open, self._path, os.O_RDONLY)
        except FileNotFoundError:
            raise self._describe_absence() from None

    async def athrow(self, *error: Any) -> bytes:
        """Stop reading, and raise what is thrown."""
        await self.aclose()
        return await super().athrow(*error)

    async def aclose(self) -> None:
        """Stop reading."""
        self._left = 0
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            with anyio.CancelScope(shield=True):
                await self._threads.run(self._id, os.close, descriptor)
