"""`S3Store`: uploads in one bucket; how they are kept is told in the package."""

from __future__ import annotations

import contextlib
from contextvars import ContextVar
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from anyio import create_task_group

from tus_reference.handler import ConfigError
from tus_reference.protocol import Refused, errors, new_upload_id
from tus_reference.stores import record
from tus_reference.stores.s3 import finishing, trouble
from tus_reference.stores.s3.bucket import Bucket
from tus_reference.stores.s3.joining import Joining
from tus_reference.stores.s3.keys import Naming, content_type, object_metadata
from tus_reference.stores.s3.reading import ObjectReader
from tus_reference.stores.s3.settling import SETTLING_TIME, Settling
from tus_reference.stores.s3.sizes import MIB, Limits
from tus_reference.stores.s3.space import Space
from tus_reference.stores.s3.stored import Stored, look_up, without_orphans
from tus_reference.stores.s3.writing import Writing

if TYPE_CHECKING:
    import os
    from collections.abc import AsyncGenerator, AsyncIterator, Sequence

    from tus_reference.handler import ByteSource, FileInfo, StoreComposer
    from tus_reference.stores.s3.api import S3API
    from tus_reference.stores.s3.bucket import Head
    from tus_reference.stores.s3.keys import Upload

MEMORY_BOUND: Final = 64 * MIB
READ_SIZE: Final = 1 * MIB

# What the request at hand has seen of its upload under the lock, so that it asks but once.
_seen: ContextVar[tuple[str, FileInfo, Stored | None] | None] = ContextVar("_seen", default=None)


class S3Store:
    """Uploads in `bucket`; settings and defaults are tusd's, sizes in bytes, time in seconds.

    Several processes may serve a bucket if they share a locker and the `shared_directory`.
    `service` is a client of boto3 or what wraps one, see `connect`. Raises `ConfigError` if
    the settings cannot work together.
    """

    def __init__(
        self,
        bucket: str,
        service: S3API,
        *,
        object_prefix: str = "",
        metadata_object_prefix: str = "",
        max_part_size: int = Limits.max_part_size,
        preferred_part_size: int = Limits.preferred_part_size,
        min_part_size: int = Limits.min_part_size,
        max_multipart_parts: int = Limits.max_multipart_parts,
        max_object_size: int = Limits.max_object_size,
        concurrent_part_uploads: int = Limits.concurrent_part_uploads,
        max_buffered_parts: int = Limits.max_buffered_parts,
        temporary_directory: str | os.PathLike[str] | None = None,
        settling_time: float = SETTLING_TIME,
        shared_directory: str | os.PathLike[str] | None = None,
    ) -> None:
        self.limits = Limits(
            max_part_size=max_part_size,
            preferred_part_size=preferred_part_size,
            min_part_size=min_part_size,
            max_multipart_parts=max_multipart_parts,
            max_object_size=max_object_size,
            concurrent_part_uploads=concurrent_part_uploads,
            max_buffered_parts=max_buffered_parts,
        )
        directory = None if temporary_directory is None else Path(temporary_directory)
        mistakes = self.limits.mistakes()
        if not bucket:
            mistakes.append("The name of the bucket is empty.")
        if directory is not None and not directory.is_dir():
            mistakes.append(f"temporary_directory {directory} is no folder; create it.")
        if mistakes:
            raise ConfigError("\n".join(mistakes))
        self._bucket = Bucket(service, bucket, concurrent_part_uploads=concurrent_part_uploads)
        shared = None if shared_directory is None else Path(shared_directory)
        self._settling = Settling(settling_time, shared)
        self._naming = Naming(object_prefix, metadata_object_prefix)
        self._space = Space(
            memory=MEMORY_BOUND,
            total=max_buffered_parts * preferred_part_size,
            directory=directory,
        )

    def disturb(self, upload_id: str) -> None:
        """Take note that a process died while it held the upload's lock."""
        self._settling.disturb(upload_id)

    def use_in(self, composer: StoreComposer) -> None:
        """Enter the store and all of its capabilities into `composer`."""
        composer.core = composer.terminater = composer.get_reader = composer.finisher = self
        composer.concater = composer.length_deferrer = composer.recorder = self

    async def new_upload(self, info: FileInfo) -> str:
        """Begin a multipart upload and store the record; 413 if S3 cannot hold so much."""
        self._check_size(info.size)
        name = info.id or new_upload_id()
        if info.id and await self._bucket.head(self._naming.new(name).info) is not None:
            raise Refused(errors.UPLOAD_EXISTS)
        key = self._naming.new(name).object
        multipart_id = await self._bucket.create(
            key, object_metadata(info.metadata), content_type(info.metadata)
        )
        upload = self._naming.new(name, multipart_id)
        storage = {"Type": "s3store", "Bucket": self._bucket.name, "Key": upload.object}
        info = replace(info, id=upload.id, storage=storage)
        try:
            await self._bucket.put(upload.info, record.encode(info))
        except BaseException:
            with contextlib.suppress(Refused):
                await self._bucket.abort(upload)
            raise
        self._settling.created(upload.id)
        _seen.set((upload.id, info, Stored()))
        return upload.id

    def _check_size(self, size: int | None) -> None:
        if size is not None and size > self.limits.max_object_size:
            raise Refused(errors.MAX_SIZE_EXCEEDED.because("the storage takes no upload that long"))

    async def get_info(self, upload_id: str) -> FileInfo:
        """Return the upload; 410 if its multipart upload is gone and left no object."""
        _seen.set(None)
        upload = self._naming.upload(upload_id)
        try:
            info, stored = await self._look_up(upload)
        except Refused as refused:
            raise trouble.as_look_up(refused) from None
        _seen.set((upload_id, info, stored))
        return info

    async def _look_up(self, upload: Upload) -> tuple[FileInfo, Stored | None]:
        info: FileInfo | None = None
        tail: Head | None = None
        failures: list[Refused] = []

        async def read_record() -> None:
            nonlocal info
            try:
                info = await self._record(upload)
            except Refused as refused:
                failures.append(refused)

        async def look_at_tail() -> None:
            nonlocal tail
            try:
                tail = await self._bucket.head(upload.tail)
            except Refused as refused:
                failures.append(refused)

        async with create_task_group() as tasks:
            tasks.start_soon(read_record)
            tasks.start_soon(look_at_tail)
        if info is None or failures:
            raise failures[0] if failures else Refused(errors.UPLOAD_NOT_FOUND)
        return await self._with_offset(upload, info, tail)

    async def _with_offset(
        self, upload: Upload, info: FileInfo, tail: Head | None
    ) -> tuple[FileInfo, Stored | None]:
        """Return the upload with its parts; None where there are none to be made an object of."""
        if info.is_final and not info.finished:
            # A final upload has all of its bytes or none, whatever was copied already.
            made = await finishing.made(self._bucket, upload, info.size)
            return replace(info, offset=0) if made is None else _completed(info, made), None
        stored = None if info.finished else await look_up(self._bucket, upload, info, tail)
        if stored is not None:
            return replace(info, offset=stored.offset), stored
        made = await finishing.made(self._bucket, upload, info.size)
        if made is None:
            raise Refused(errors.UPLOAD_GONE)
        return _completed(info, made), None

    async def _record(self, upload: Upload) -> FileInfo:
        """Return the record; raise `Refused` (404) if there is none for this very id."""
        try:
            content = await self._bucket.read(upload.info)
        except Refused as refused:
            denied = refused.error == trouble.trouble.STORAGE_DENIED
            # Without the permission to list, S3 denies what does not exist.
            if not denied or await self._bucket.parts(upload) is not None:
                raise
            content = None
        if content is None:
            raise Refused(errors.UPLOAD_NOT_FOUND)
        info = record.decode(content, 0)
        if info.id != upload.id:
            raise Refused(errors.UPLOAD_NOT_FOUND)
        return info

    async def write_chunk(self, upload_id: str, offset: int, source: ByteSource) -> int:
        """Store `source` behind `offset`, in parts while it still arrives."""
        upload = self._naming.upload(upload_id)
        if await self._settling.wait(upload_id):
            _seen.set(None)
        info, stored = await self._known(upload)
        if offset != (info.offset if stored is None else stored.offset):
            raise Refused(errors.MISMATCHED_OFFSET)
        if stored is None:
            return 0
        _seen.set(None)
        if stored.orphans:
            info, stored = await self._void_orphans(upload, info, stored)
        writing = Writing(
            self._bucket, self._space, self.limits, upload, stored=stored, size=info.size
        )
        with self._settling.watching(upload_id):
            stored = await writing.run(source)
        _seen.set((upload_id, info, stored))
        return stored.offset - offset

    async def _void_orphans(
        self, upload: Upload, info: FileInfo, stored: Stored
    ) -> tuple[FileInfo, Stored]:
        """Let the numbers of orphans never be used again, nor those below that are missing."""
        orphans = stored.orphans
        info, stored = without_orphans(info, stored)
        with self._settling.watching(upload.id):
            await self._bucket.put(upload.info, record.encode(info))
        with contextlib.suppress(Refused):
            # They take up room, and tusd, which does not know them, would count them.
            for number in orphans:
                await self._bucket.upload_part(upload, number, b"", 0)
        return info, stored

    async def _known(self, upload: Upload) -> tuple[FileInfo, Stored | None]:
        """Return what this request has seen of the upload, or look it up."""
        seen = _seen.get()
        if seen is not None and seen[0] == upload.id:
            return seen[1], seen[2]
        return await self._look_up(upload)

    async def finish_upload(self, upload_id: str) -> None:
        """Make the object, unless it is there; 410 if it cannot be made any more."""
        upload = self._naming.upload(upload_id)
        info, stored = await self._known(upload)
        _seen.set(None)
        if info.size is not None and stored is not None:
            await finishing.finish(self._bucket, upload, stored, info.size)
        elif await finishing.made(self._bucket, upload, info.size) is None:
            raise Refused(errors.UPLOAD_GONE)

    async def terminate(self, upload_id: str) -> None:
        """Drop parts and objects; the record goes last, so that it can be tried again."""
        upload = self._naming.upload(upload_id)
        await self._bucket.abort(upload)
        await self._bucket.delete_all([upload.object, upload.tail])
        await self._bucket.delete(upload.info)

    async def declare_length(self, upload_id: str, length: int) -> None:
        """Set the length in the record; 413 if S3 cannot hold so much."""
        self._check_size(length)
        await self._change(upload_id, {"size": length})

    async def record(self, info: FileInfo) -> None:
        """Set expiry and finish mark in the record."""
        await self._change(info.id, {"expires": info.expires, "finished": info.finished})

    async def _change(self, upload_id: str, changes: dict[str, Any]) -> None:
        upload = self._naming.upload(upload_id)
        if await self._settling.wait(upload_id):
            _seen.set(None)
        info = replace(await self._record(upload), **changes)
        with self._settling.watching(upload_id):
            await self._bucket.put(upload.info, record.encode(info))
        seen = _seen.get()
        if seen is not None and seen[0] == upload_id:
            _seen.set((upload_id, info, seen[2]))

    async def uploads(self) -> AsyncIterator[FileInfo]:
        """Iterate over the unfinished uploads, which are the multipart uploads under way.

        There are none for credentials that may not list them; the log tells.
        """
        listed = self._bucket.multipart_uploads(self._naming.folder)
        try:
            async for key, multipart_id in listed:
                upload_id = self._naming.id_of(key, multipart_id)
                if upload_id is not None:
                    with contextlib.suppress(Refused, ValueError):
                        yield await self.get_info(upload_id)
        except Refused as refused:
            if refused.error != trouble.trouble.STORAGE_DENIED:
                raise

    async def get_reader(
        self, upload_id: str, start: int, length: int
    ) -> AsyncGenerator[bytes, None]:
        """Iterate over `length` bytes of the finished object from byte `start` on."""
        key = self._naming.upload(upload_id).object
        reader = ObjectReader(self._bucket, key, start, length)
        try:
            with memoryview(bytearray(min(max(length, 1), READ_SIZE))) as buffer:
                while count := await reader.read_into(buffer):
                    yield bytes(buffer[:count])
        finally:
            await reader.aclose()

    async def concat_uploads(self, upload_id: str, partial_ids: Sequence[str]) -> None:
        """Join the partials' objects and make the final one."""
        upload = self._naming.upload(upload_id)
        heads: dict[str, tuple[str, Head]] = {}
        for partial_id in dict.fromkeys(partial_ids):
            heads[partial_id] = await self._object_of(self._naming.upload(partial_id))
        sources = [heads[partial_id] for partial_id in partial_ids]
        parts = await Joining(self._bucket, self._space, self.limits, upload, sources).run()
        if not parts:
            parts = [await self._bucket.upload_part(upload, 1, b"", 0)]
        size = sum(head.size for _, head in sources)
        await finishing.assemble(self._bucket, upload, parts, size)

    async def _object_of(self, partial: Upload) -> tuple[str, Head]:
        """Return a partial's object, made now if finishing it failed before."""
        head = await self._bucket.head(partial.object)
        if head is None:
            _seen.set(None)
            await self.finish_upload(partial.id)
            head = await self._bucket.head(partial.object)
        if head is None:
            raise Refused(errors.UPLOAD_GONE)
        return partial.object, head


def _completed(info: FileInfo, made: Head) -> FileInfo:
    return replace(info, offset=made.size, modified=made.modified)
