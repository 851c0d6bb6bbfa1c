"""`MemoryStore`: uploads in this process, for tests and for trying things out."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import anyio.lowlevel

from tus_reference.model import Refused, errors
from tus_reference.protocol import new_upload_id

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence

    from tus_reference.model import ByteSource, FileInfo, StoreComposer

READ_SIZE: Final = 64 * 1024


class MemoryStore:
    """Uploads that vanish with the process; every capability is there."""

    def __init__(self) -> None:
        self._infos: dict[str, FileInfo] = {}
        self._data: dict[str, bytearray] = {}

    def use_in(self, composer: StoreComposer) -> None:
        """Enter the store and all of its capabilities into `composer`."""
        composer.core = composer.terminater = composer.get_reader = self
        composer.concater = composer.length_deferrer = composer.info_saver = self

    async def new_upload(self, info: FileInfo) -> str:
        """Create an empty upload and return its id."""
        upload_id = info.id or new_upload_id()
        if upload_id in self._infos:
            raise Refused(errors.UPLOAD_EXISTS)
        storage = {"Type": "memorystore"}
        self._infos[upload_id] = replace(info, id=upload_id, storage=storage, modified=time.time())
        self._data[upload_id] = bytearray()
        return upload_id

    async def write_chunk(self, upload_id: str, offset: int, source: ByteSource) -> int:
        """Append `source`; every piece counts as soon as it came."""
        data = self._bytes(upload_id)
        async for piece in source:
            data += piece
        self._touch(upload_id)
        return len(data) - offset

    async def get_info(self, upload_id: str) -> FileInfo:
        """Return the upload with its offset."""
        return replace(self._info(upload_id), offset=len(self._data[upload_id]))

    async def terminate(self, upload_id: str) -> None:
        """Forget the upload."""
        self._infos.pop(upload_id, None)
        self._data.pop(upload_id, None)

    async def declare_length(self, upload_id: str, length: int) -> None:
        """Set the length."""
        self._infos[upload_id] = replace(self._info(upload_id), size=length)

    async def save_info(self, info: FileInfo) -> None:
        """Set expiry and finish mark."""
        stored = self._info(info.id)
        self._infos[info.id] = replace(stored, expires=info.expires, finished=info.finished)

    async def list_uploads(
        self, is_wanted: Callable[[str], bool] | None = None
    ) -> AsyncIterator[FileInfo]:
        """Iterate over all uploads, or those whose ids are wanted."""
        for upload_id in list(self._infos):
            if upload_id in self._infos and (is_wanted is None or is_wanted(upload_id)):
                yield await self.get_info(upload_id)

    async def get_reader(
        self, upload_id: str, start: int, length: int
    ) -> AsyncGenerator[bytes, None]:
        """Iterate over `length` bytes from byte `start` on."""
        data = self._bytes(upload_id)
        for position in range(start, start + length, READ_SIZE):
            await anyio.lowlevel.checkpoint()
            yield bytes(data[position : min(position + READ_SIZE, start + length)])

    async def concat_uploads(self, upload_id: str, partial_ids: Sequence[str]) -> None:
        """Join the partials in one step."""
        joined = b"".join(self._bytes(partial_id) for partial_id in partial_ids)
        self._bytes(upload_id)[:] = joined
        self._touch(upload_id)

    def _touch(self, upload_id: str) -> None:
        self._infos[upload_id] = replace(self._info(upload_id), modified=time.time())

    def _info(self, upload_id: str) -> FileInfo:
        try:
            return self._infos[upload_id]
        except KeyError:
            raise Refused(errors.UPLOAD_NOT_FOUND) from None

    def _bytes(self, upload_id: str) -> bytearray:
        self._info(upload_id)
        return self._data[upload_id]
