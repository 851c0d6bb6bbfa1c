"""`Server`: what a defect may know of the server under it and do to its uploads.

Everything goes through the settings and the store, which every store offers alike; nothing here
depends on how the handler works.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

from tus_defects.message_edits import ComposedBody
from tus_reference.handler import Config
from tus_reference.handler.upload_urls import UploadUrls
from tus_reference.model import DataStore, FileInfo, Refused, Request
from tus_reference.protocol import is_upload_id


class Server:
    """The uploads of a server, at its store; `config` is the validated one of its handler."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self._composer = config.composer
        self._store = cast("DataStore", config.composer.core)
        self.urls = UploadUrls(
            config.base_path, respect_forwarded_headers=config.respect_forwarded_headers
        )

    async def find(self, upload_id: str) -> FileInfo | None:
        """Return an upload, or None if it does not exist or has expired."""
        if not is_upload_id(upload_id):
            return None
        try:
            info = await self._store.get_info(upload_id)
        except Refused:
            return None
        expired = info.expires is not None and not info.is_complete and time.time() >= info.expires
        return None if expired else info

    async def find_all(self) -> list[FileInfo]:
        """Return every upload."""
        saver = self._composer.info_saver
        return [] if saver is None else [each async for each in saver.list_uploads()]

    async def find_partials(self, info: FileInfo) -> list[FileInfo]:
        """Return the partial uploads of a final one that exist, in order."""
        found = [await self.find(each) for each in info.partial_uploads]
        return [each for each in found if each is not None]

    async def find_url(self, request: Request, url: str) -> FileInfo | None:
        """Return the upload that a URL in a request names, or None if there is none."""
        return await self.find(self.urls.id_from_url(request, url) or "")

    async def find_listed(self, request: Request) -> list[FileInfo]:
        """Return the uploads that a final creation lists, in order, without unknown ones."""
        found = [await self.find_url(request, url) for url in listed_urls(request)]
        return [each for each in found if each is not None]

    async def read(self, info: FileInfo) -> bytes:
        """Return the stored bytes of an upload."""
        reader = self._composer.get_reader
        if reader is None:
            return b""
        return b"".join([chunk async for chunk in reader.get_reader(info.id, 0, info.offset)])

    async def append(self, info: FileInfo, data: bytes) -> None:
        """Store more bytes of an upload, whatever its length is."""
        await self._store.write_chunk(info.id, info.offset, ComposedBody(data, length=len(data)))

    async def rewrite(
        self, info: FileInfo, change: Callable[[bytes], bytes], **fields: Any
    ) -> None:
        """Change the stored bytes of an upload, and fields of its info."""
        data = change(await self.read(info))
        if self._composer.terminater is None:
            return
        await self._composer.terminater.terminate(info.id)
        await self.store(replace(info, **fields), data)

    async def store(self, info: FileInfo, data: bytes) -> None:
        """Store an upload with so many bytes under the id of its info, which no other has."""
        empty = replace(info, offset=0)
        await self._store.new_upload(empty)
        await self.append(empty, data)

    async def set_length(self, upload_id: str, length: int) -> None:
        """Set the length of an upload, whether it has one or not."""
        if self._composer.length_deferrer is not None:
            await self._composer.length_deferrer.declare_length(upload_id, length)

    async def remove(self, upload_id: str) -> None:
        """Remove an upload from the store; the handler does not learn that it was there."""
        if self._composer.terminater is not None:
            await self._composer.terminater.terminate(upload_id)


def drop_last(data: bytes) -> bytes:
    """Return the bytes but for the last one."""
    return data[:-1]


def invert_last(data: bytes) -> bytes:
    """Return the bytes with the last one inverted."""
    return data[:-1] + bytes([data[-1] ^ 0xFF])


def listed_urls(request: Request) -> tuple[str, ...]:
    """Return the URLs that a final creation lists."""
    listed = (request.headers.joined("Upload-Concat") or "")[6:]
    return tuple(url for url in listed.split(" ") if url)
