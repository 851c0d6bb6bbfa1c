"""`S3Store`: uploads in one bucket; how they are kept is told in the package."""

from __future__ import annotations

import contextlib
from collections import OrderedDict
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from anyio import create_task_group, fail_after

from tus_reference.model import ConfigError, FileInfo, Refused, errors
from tus_reference.protocol import new_upload_id
from tus_reference.stores import info_file
from tus_reference.stores.s3 import completion, storage_failures
from tus_reference.stores.s3.bucket import Bucket, SourceMissing
from tus_reference.stores.s3.late_write_guard import LATE_WRITE_DELAY, LateWriteGuard
from tus_reference.stores.s3.object_keys import KeyNaming, content_type, object_metadata
from tus_reference.stores.s3.object_reader import ObjectReader
from tus_reference.stores.s3.part_buffer import BufferBudget
from tus_reference.stores.s3.part_copier import PartCopier
from tus_reference.stores.s3.part_limits import MIB, PartLimits
from tus_reference.stores.s3.part_writer import PartWriter
from tus_reference.stores.s3.recent_writes import STALE_TIME, RecentWrites
from tus_reference.stores.s3.stored_parts import (
    StoredParts,
    list_stored_parts,
    void_orphans,
    void_parts,
)

if TYPE_CHECKING:
    import os
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence

    from tus_reference.model import ByteSource, StoreComposer
    from tus_reference.stores.s3.api import S3API
    from tus_reference.stores.s3.bucket import ObjectHead
    from tus_reference.stores.s3.object_keys import UploadKeys

MEMORY_BOUND: Final = 64 * MIB
READ_SIZE: Final = 1 * MIB
LOOKUP_TIMEOUT: Final = 20.0
ABANDONED_LIMIT: Final = 10_000


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """What a request has seen of its upload besides `FileInfo`, so that it looks up but once.

    `stored` is None where there are no parts to make an object of. `waits` is the number of waits
    of the store's `LateWriteGuard` before the look-up began: once there has been another one,
    something may have been stored since, and the snapshot is not used.
    """

    stored: StoredParts | None
    waits: int


class S3Store:
    """Uploads in `bucket`; settings and defaults are tusd's, sizes in bytes, time in seconds.

    Several processes may serve a bucket if they share a locker: on one machine a `FileLocker` in
    the `shared_directory`, on several a `RedisLocker` that settles for `late_write_delay`, calls
    `note_abandoned`, and needs a `stale_time` of 0, since a server remembers its own writes only.
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
        max_part_size: int = PartLimits.max_part_size,
        preferred_part_size: int = PartLimits.preferred_part_size,
        min_part_size: int = PartLimits.min_part_size,
        max_multipart_parts: int = PartLimits.max_multipart_parts,
        max_object_size: int = PartLimits.max_object_size,
        concurrent_part_uploads: int = PartLimits.concurrent_part_uploads,
        max_buffered_parts: int = PartLimits.max_buffered_parts,
        temporary_directory: str | os.PathLike[str] | None = None,
        equal_parts: bool = False,
        late_write_delay: float = LATE_WRITE_DELAY,
        lookup_timeout: float = LOOKUP_TIMEOUT,
        stale_time: float = STALE_TIME,
        shared_directory: str | os.PathLike[str] | None = None,
    ) -> None:
        self.limits = PartLimits(
            max_part_size=max_part_size,
            preferred_part_size=preferred_part_size,
            min_part_size=min_part_size,
            max_multipart_parts=max_multipart_parts,
            max_object_size=max_object_size,
            concurrent_part_uploads=concurrent_part_uploads,
            max_buffered_parts=max_buffered_parts,
            equal_parts=equal_parts,
        )
        directory = None if temporary_directory is None else Path(temporary_directory)
        mistakes = self.limits.mistakes()
        if not bucket:
            mistakes.append("The name of the bucket is empty.")
        if directory is not None and not directory.is_dir():
            mistakes.append(f"temporary_directory {directory} is not a folder; create it.")
        if mistakes:
            raise ConfigError("\n".join(mistakes))
        self._bucket = Bucket(service, bucket, concurrent_part_uploads=concurrent_part_uploads)
        shared = None if shared_directory is None else Path(shared_directory)
        self._late_writes = LateWriteGuard(late_write_delay, shared)
        self._recent = RecentWrites(stale_time)
        self._lookup_timeout = lookup_timeout
        self._abandoned: OrderedDict[str, None] = OrderedDict()
        self._keys = KeyNaming(object_prefix, metadata_object_prefix)
        self._budget = BufferBudget(
            memory=MEMORY_BOUND,
            total=max_buffered_parts * preferred_part_size,
            directory=directory,
        )

    def note_late_write(self, upload_id: str) -> None:
        """Take note that a process died while it held the upload's lock."""
        self._late_writes.note_late_write(upload_id)

    def note_abandoned(self, upload_id: str) -> None:
        """Take note that a server lost the upload's lock, and may not know it.

        It may be stopped in the middle of sending parts, and go on whenever. So what it sends gets
        numbers that never count: no more of its parts are under way than are sent at once.
        """
        self.note_late_write(upload_id)
        self._abandoned[upload_id] = None
        if len(self._abandoned) > ABANDONED_LIMIT:
            self._abandoned.popitem(last=False)

    def use_in(self, composer: StoreComposer) -> None:
        """Enter the store and all of its capabilities into `composer`."""
        composer.core = composer.terminater = composer.get_reader = composer.finisher = self
        composer.concater = composer.length_deferrer = composer.info_saver = self
        composer.info_store = self

    async def new_upload(self, info: FileInfo) -> str:
        """Begin a multipart upload and store the record; 413 if S3 cannot hold so much."""
        return (await self.create(info)).id

    async def create(self, info: FileInfo) -> FileInfo:
        """Begin a multipart upload and store the record; 413 if S3 cannot hold so much."""
        self._check_size(info.size)
        name = info.id or new_upload_id()
        if info.id and await self._bucket.head(self._keys.keys_of_name(name).info) is not None:
            raise Refused(errors.UPLOAD_EXISTS)
        key = self._keys.keys_of_name(name).object
        multipart_id = await self._bucket.create(
            key, object_metadata(info.metadata), content_type(info.metadata)
        )
        upload = self._keys.keys_of_name(name, multipart_id)
        storage = {"Type": "s3store", "Bucket": self._bucket.name, "Key": upload.object}
        info = replace(info, id=upload.id, storage=storage)
        try:
            info = await self._write_info(upload, info)
        except BaseException:
            with contextlib.suppress(Refused):
                await self._bucket.abort(upload)
            raise
        self._late_writes.note_creation(upload.id)
        return replace(info, offset=0, snapshot=_Snapshot(StoredParts(), self._late_writes.waits))

    def _check_size(self, size: int | None) -> None:
        if size is not None and size > self.limits.max_object_size:
            raise Refused(errors.MAX_SIZE_EXCEEDED.because("the storage takes no upload that long"))

    async def get_info(self, upload_id: str) -> FileInfo:
        """Return the upload; 410 if its multipart upload is gone and left no object.

        Whatever fails otherwise is 423, and so is an S3 that does not answer in `lookup_timeout`.
        """
        upload = self._keys.keys_of_id(upload_id)
        waits = self._late_writes.waits
        try:
            with fail_after(self._lookup_timeout):
                info, stored = await self._look_up(upload)
        except Refused as refused:
            raise storage_failures.as_lookup_failure(refused) from None
        except TimeoutError:
            raise storage_failures.as_lookup_failure(storage_failures.no_response()) from None
        if stored is not None:
            self._recent.note_state(upload_id, stored)
        return replace(info, snapshot=_Snapshot(stored, waits))

    async def _look_up(self, upload: UploadKeys) -> tuple[FileInfo, StoredParts | None]:
        info: FileInfo | None = None
        tail: ObjectHead | None = None
        failures: list[Refused] = []

        async def read_info() -> None:
            nonlocal info
            try:
                info = await self._read_info(upload)
            except Refused as refused:
                failures.append(refused)

        async def read_tail_head() -> None:
            nonlocal tail
            try:
                tail = await self._bucket.head(upload.tail)
            except Refused as refused:
                failures.append(refused)

        async with create_task_group() as tasks:
            tasks.start_soon(read_info)
            tasks.start_soon(read_tail_head)
        if info is None or failures:
            raise failures[0] if failures else Refused(errors.UPLOAD_NOT_FOUND)
        return await self._resolve_offset(upload, info, tail)

    async def _resolve_offset(
        self, upload: UploadKeys, info: FileInfo, tail: ObjectHead | None
    ) -> tuple[FileInfo, StoredParts | None]:
        """Return the upload with its parts; None where there are none to be made an object of."""
        if info.is_final and not info.finished:
            # A final upload has all of its bytes or none, whatever was copied already.
            finished_object = await completion.find_finished_object(self._bucket, upload, info.size)
            return replace(info, offset=0) if finished_object is None else _with_object(
                info, finished_object
            ), None
        failure = Refused(errors.UPLOAD_GONE)
        try:
            stored = (
                None if info.finished else await list_stored_parts(self._bucket, upload, info, tail)
            )
        except Refused as refused:
            # Some services have only a general 404 for what is no longer a multipart upload.
            stored, failure = None, refused
        if stored is not None:
            stored = self._recent.newest_state(upload.id, stored)
            info = replace(info, offset=stored.offset)
            return replace(info, assembled=not info.is_complete), stored
        finished_object = await completion.find_finished_object(self._bucket, upload, info.size)
        if finished_object is not None:
            return _with_object(info, finished_object), None
        if self._recent.may_appear(upload.id):
            raise storage_failures.stale_response("head_object")
        raise failure

    async def _read_info(self, upload: UploadKeys) -> FileInfo:
        """Return the record; raise `Refused` (404) if there is none for this very id."""
        try:
            content = await self._bucket.read(upload.info)
        except Refused as refused:
            # Without the permission to list, S3 denies what does not exist, and some services
            # have only a general 404 for it.
            if refused.error not in storage_failures.MAY_BE_ABSENT:
                raise
            if await self._bucket.list_parts(upload) is not None:
                raise
            content = None
        info = None if content is None else _decode(upload, content)
        info = self._recent.newest_record(upload.id, info)
        if info is None or info.id != upload.id:
            raise Refused(errors.UPLOAD_NOT_FOUND)
        return info

    async def _write_info(self, upload: UploadKeys, info: FileInfo) -> FileInfo:
        """Store the record, and return it with its new revision."""
        info = replace(info, revision=info.revision + 1)
        await self._bucket.put(upload.info, info_file.encode(info))
        self._recent.note_record(replace(info, offset=0, snapshot=None, assembled=True))
        return info

    async def write_chunk(self, upload_id: str, offset: int, source: ByteSource) -> int:
        """Store `source` behind `offset`, in parts while it still arrives."""
        info = FileInfo(id=upload_id, offset=offset)
        return (await self.append(info, source)).offset - offset

    async def append(self, info: FileInfo, source: ByteSource) -> FileInfo:
        """Store `source` behind `info.offset`, in parts while it still arrives."""
        offset, upload = info.offset, self._keys.keys_of_id(info.id)
        await self._late_writes.wait(info.id)
        info, stored = await self._use_snapshot(upload, info)
        if offset != (info.offset if stored is None else stored.offset):
            raise Refused(errors.MISMATCHED_OFFSET)
        if stored is None:
            return info
        beyond = self.limits.concurrent_part_uploads if info.id in self._abandoned else 0
        if stored.orphans or beyond:
            info, stored = await self._void_orphans(upload, info, stored, beyond)
            self._abandoned.pop(info.id, None)
        writer = PartWriter(
            self._bucket, self._budget, self.limits, upload, stored=stored, size=info.size
        )
        with self._note_failure(info.id):
            stored = await writer.run(source)
        self._recent.note_state(info.id, stored)
        snapshot = _Snapshot(stored, self._late_writes.waits)
        info = replace(info, offset=stored.offset, snapshot=snapshot)
        return replace(info, assembled=not info.is_complete)

    @contextlib.contextmanager
    def _note_failure(self, upload_id: str) -> Iterator[None]:
        """Take note of the upload if what is done to it fails or is cancelled."""
        try:
            with self._late_writes.note_failure(upload_id):
                yield
        except BaseException:
            self._recent.note_failure(upload_id)
            raise

    async def _void_orphans(
        self, upload: UploadKeys, info: FileInfo, stored: StoredParts, beyond: int
    ) -> tuple[FileInfo, StoredParts]:
        """Let the numbers of orphans never be used again, nor those below that are missing."""
        orphans = stored.orphans
        info, stored = void_orphans(info, stored, beyond)
        with self._note_failure(upload.id):
            info = await self._write_info(upload, info)
        with contextlib.suppress(Refused):
            # They take up room, and tusd, which does not know them, would count them.
            for number in orphans:
                await self._bucket.upload_part(upload, number, b"", 0)
        return info, stored

    async def _use_snapshot(
        self, upload: UploadKeys, info: FileInfo
    ) -> tuple[FileInfo, StoredParts | None]:
        """Return what this request has seen of the upload, or look it up."""
        snapshot = info.snapshot
        if isinstance(snapshot, _Snapshot) and snapshot.waits == self._late_writes.waits:
            return info, snapshot.stored
        return await self._look_up(upload)

    async def finish_upload(self, upload_id: str) -> None:
        """Make the object, unless it is there; 410 if it cannot be made any more."""
        await self.finish(FileInfo(id=upload_id))

    async def finish(self, info: FileInfo) -> None:
        """Make the object, unless it is there; 410 if it cannot be made any more."""
        upload = self._keys.keys_of_id(info.id)
        info, stored = await self._use_snapshot(upload, info)
        if info.size is not None and stored is not None:
            self._recent.note_completion(upload.id)
            await completion.finish_object(self._bucket, self._budget, upload, stored, info.size)
        elif await completion.find_finished_object(self._bucket, upload, info.size) is None:
            raise Refused(errors.UPLOAD_GONE)

    async def terminate(self, upload_id: str) -> None:
        """Drop parts and objects; the record goes last, so that it can be tried again."""
        upload = self._keys.keys_of_id(upload_id)
        await self._bucket.abort(upload)
        for key in (upload.object, upload.tail, upload.info):
            await self._bucket.delete(key)
        self._recent.forget(upload_id)

    async def declare_length(self, upload_id: str, length: int) -> None:
        """Set the length in the record; 413 if S3 cannot hold so much."""
        self._check_size(length)
        await self._update_info(upload_id, {"size": length})

    async def save_info(self, info: FileInfo) -> None:
        """Set expiry and finish mark in the record."""
        await self._update_info(info.id, {"expires": info.expires, "finished": info.finished})

    async def _update_info(self, upload_id: str, changes: dict[str, Any]) -> None:
        upload = self._keys.keys_of_id(upload_id)
        await self._late_writes.wait(upload_id)
        info = replace(await self._read_info(upload), **changes)
        with self._note_failure(upload_id):
            await self._write_info(upload, info)

    async def list_uploads(
        self, is_wanted: Callable[[str], bool] | None = None
    ) -> AsyncIterator[FileInfo]:
        """Iterate over the unfinished uploads, which are the multipart uploads under way.

        There are none for credentials that may not list them; the log tells.
        """
        listed = self._bucket.list_multipart_uploads(self._keys.folder)
        try:
            async for key, multipart_id in listed:
                upload_id = self._keys.upload_id_of(key, multipart_id)
                if upload_id is not None and (is_wanted is None or is_wanted(upload_id)):
                    with contextlib.suppress(Refused):
                        yield await self.get_info(upload_id)
        except Refused as refused:
            if refused.error != storage_failures.storage_errors.STORAGE_DENIED:
                raise

    async def get_reader(
        self, upload_id: str, start: int, length: int
    ) -> AsyncGenerator[bytes, None]:
        """Iterate over `length` bytes of the finished object from byte `start` on."""
        key = self._keys.keys_of_id(upload_id).object
        reader = ObjectReader(self._bucket, key, start, length)
        try:
            with memoryview(bytearray(min(max(length, 1), READ_SIZE))) as buffer:
                while count := await reader.read_into(buffer):
                    yield bytes(buffer[:count])
        finally:
            await reader.aclose()

    async def concat_uploads(self, upload_id: str, partial_ids: Sequence[str]) -> None:
        """Join the partials' objects and make the final one."""
        upload = self._keys.keys_of_id(upload_id)
        self._recent.note_completion(upload_id)
        heads: dict[str, tuple[str, ObjectHead]] = {}
        for partial_id in dict.fromkeys(partial_ids):
            heads[partial_id] = await self._get_finished_object(self._keys.keys_of_id(partial_id))
        sources = [heads[partial_id] for partial_id in partial_ids]
        copier = PartCopier(self._bucket, self._budget, self.limits, upload, sources)
        try:
            parts = await copier.run()
        except SourceMissing:
            raise Refused(errors.UPLOAD_GONE) from None
        if not parts:
            parts = [await self._bucket.upload_part(upload, 1, b"", 0)]
        size = sum(head.size for _, head in sources)
        await completion.complete_multipart(self._bucket, upload, parts, size)

    async def _get_finished_object(self, partial: UploadKeys) -> tuple[str, ObjectHead]:
        """Return a partial's object, made now if finishing it failed before."""
        head = await self._bucket.head(partial.object)
        if head is None:
            await self.finish_upload(partial.id)
            head = await self._bucket.head(partial.object)
        if head is None:
            raise Refused(errors.UPLOAD_GONE)
        return partial.object, head


def _decode(upload: UploadKeys, content: bytes) -> FileInfo:
    """Return what a record says; raise `Refused` (404) if it is damaged."""
    try:
        info = info_file.decode(content, 0)
        void_parts(info)
    except ValueError as failure:
        storage_failures.LOGGER.warning("the record %s is damaged: %s", upload.info, failure)
        raise Refused(errors.UPLOAD_DAMAGED) from None
    return info


def _with_object(info: FileInfo, finished_object: ObjectHead) -> FileInfo:
    return replace(info, offset=finished_object.size, modified=finished_object.modified)
