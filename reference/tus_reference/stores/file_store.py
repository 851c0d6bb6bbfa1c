"""`FileStore`: uploads as files in one folder, in tusd's format.

    <id>        the bytes; its size is the offset
    <id>.info   the record, always whole: written aside, synced, renamed
    .<id>.*     files in the making; a crash may leave them, nothing reads them

All disk work runs in threads, since a disk that hangs must hang one upload only; the short
calls of many uploads share one, and leave it when it hangs. While the disk is quick, the event
loop waits for them. Buffers
grow for clients that fill them, so that long bodies cost few threads. What was received is
handed to the system with every read, so a crash of the process loses none of it; with
`sync` an answer also waits for the disk, and then even a power failure does not take back
an offset that was told.
"""

# Building a Path costs as much as the system call it is for.
# ruff: noqa: PTH105, PTH116

from __future__ import annotations

import errno
import logging
import os
import stat
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import anyio

from tus_reference.model import Refused, check_lease, current_lease, errors
from tus_reference.model.receive_buffer import ReceiveBuffer
from tus_reference.protocol import new_upload_id
from tus_reference.stores import info_file
from tus_reference.stores.file_copy import append_file, copy_bytes
from tus_reference.stores.file_reading import FileReading
from tus_reference.stores.folder_health import FolderHealth
from tus_reference.stores.folder_listing import FolderListing
from tus_reference.stores.known_records import KnownRecords
from tus_reference.stores.leftovers import is_made_id, remove_file
from tus_reference.stores.record_index import RecordIndex
from tus_reference.stores.shared_append import append_at_end, write_all
from tus_reference.stores.upload_threads import CallKind, UploadThreads

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence

    from tus_reference.model import ByteSource, FileInfo, Lease, StoreComposer
    from tus_reference.model.byte_source import FileSource

COPY_SIZE: Final = 16 * 1024 * 1024
RECORD_READ_SIZE: Final = 16 * 1024

SMALL_BODY: Final = 256 * 1024
"""The length, in bytes, up to which the writes of a body are short calls."""

REPORTED_IDS_LIMIT: Final = 10_000

LARGEST_RECORD: Final = 16 * 1024 * 1024
"""How long a record may be, in bytes: it is read into memory."""

_NOT_A_FILE: Final = (errno.EISDIR, errno.ENOTDIR, errno.ELOOP, errno.ENXIO, errno.EAGAIN)
_LOGGER: Final = logging.getLogger("tus_reference.stores")

# Endings that belong to other files of tusd and of ours; no id may have them.
_RESERVED = (".info", ".lock", ".stop")


class FileStore:
    """Uploads in the folder `path`, which is created; modes as in tusd's flags.

    With `shared`, servers on several machines write to it: see `shared_append`. Raises `OSError`
    if the folder cannot be made.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        dir_perms: int = 0o775,
        file_perms: int = 0o664,
        sync: bool = False,
        shared: bool = False,
    ) -> None:
        self.path = Path(path).absolute()
        self._file_perms = file_perms
        self._sync = sync
        self._shared = shared
        self._threads = UploadThreads()
        self._reported_ids: set[str] = set()
        self._known = KnownRecords()
        self._folder = str(self.path)
        self._health = FolderHealth(self._folder, self._threads)
        self._listing = FolderListing(
            self._folder,
            self._threads,
            lambda upload_id: self._get_info(upload_id, keep=False),
            None if shared else RecordIndex(self._folder, file_perms),
        )
        self.path.mkdir(mode=dir_perms, parents=True, exist_ok=True)

    def use_in(self, composer: StoreComposer) -> None:
        """Enter the store and all of its capabilities into `composer`."""
        composer.core = composer.terminater = composer.get_reader = self
        composer.concater = composer.length_deferrer = composer.info_saver = self
        composer.cleaner = composer.known_uploads = self._listing
        composer.health_check = self._health

    async def new_upload(self, info: FileInfo) -> str:
        """Create an empty upload and return its id."""
        upload_id = info.id or new_upload_id()
        return await self._threads.run_short(
            upload_id, self._new_upload, info, upload_id, kind=CallKind.SYNCS
        )

    async def get_info(self, upload_id: str) -> FileInfo:
        """Return the upload; its offset is the size of its file."""
        return await self._threads.look_up(upload_id, self._get_info, upload_id)

    async def write_chunk(self, upload_id: str, offset: int, source: ByteSource) -> int:
        """Append `source` at `offset`; raises `OSError` if the disk fails or is full."""
        path = self._data_path(upload_id)
        # Under a lease, an append has to look where the file ends, which only `_append` does.
        if hasattr(source, "find_file") and current_lease() is None:
            file = cast("FileSource", source).find_file()
            if file is not None:
                return await self._write_copy(upload_id, offset, file)
        buffer = ReceiveBuffer(source.size)
        try:
            count = await source.read_into(buffer.view)
            if not count:
                return 0
            if count == source.size:
                # Small uploads are many: open, write and close are one call.
                await self._threads.run_short(
                    upload_id,
                    self._write_once,
                    path,
                    buffer.view[:count],
                    offset,
                    current_lease(),
                    kind=CallKind.SYNCS if self._sync else CallKind.QUICK,
                )
                return count
            return await self._write_long(upload_id, offset, source, buffer, count)
        finally:
            buffer.close()

    async def _write_long(
        self, upload_id: str, offset: int, source: ByteSource, buffer: ReceiveBuffer, count: int
    ) -> int:
        """Write and receive in turns; meanwhile the system receives into its own buffers."""
        # A thread for each call would cost more than the writes of a small body.
        is_small = source.size is not None and source.size <= SMALL_BODY
        run = partial(self._threads.run_short if is_small else self._threads.run, upload_id)
        position, lease = offset, current_lease()
        descriptor = await run(self._open, self._data_path(upload_id))
        try:
            while count:
                await run(self._append, descriptor, buffer.view[:count], position, lease)
                position += count
                buffer.adapt(count)
                count = await source.read_into(buffer.view)
            if self._sync:
                await self._threads.run(upload_id, os.fsync, descriptor, may_last=True)
        finally:
            with anyio.CancelScope(shield=True):
                await run(os.close, descriptor)
        return position - offset

    async def _write_copy(self, upload_id: str, offset: int, file: int) -> int:
        """Copy all bytes of an open file; the system does that without handing them to us."""
        run, copied = partial(self._threads.run, upload_id), 0
        descriptor = await run(self._open, self._data_path(upload_id))
        try:
            while count := await run(
                copy_bytes, file, descriptor, COPY_SIZE, copied, offset + copied
            ):
                copied += count
            if self._sync:
                await run(os.fsync, descriptor, may_last=True)
        finally:
            with anyio.CancelScope(shield=True):
                await run(os.close, descriptor)
        return copied

    async def terminate(self, upload_id: str) -> None:
        """Remove both files, and what else there may be of the upload."""
        check_lease()
        await self._threads.run(upload_id, self._terminate, upload_id)

    async def declare_length(self, upload_id: str, length: int) -> None:
        """Set the length in the record."""
        check_lease()
        changes = {"size": length}
        await self._threads.run_short(
            upload_id, self._update_info, upload_id, changes, kind=CallKind.SYNCS
        )

    async def save_info(self, info: FileInfo) -> None:
        """Set expiry and finish mark in the record."""
        check_lease()
        changes = {"expires": info.expires, "finished": info.finished}
        await self._threads.run_short(
            info.id, self._update_info, info.id, changes, kind=CallKind.SYNCS
        )

    def list_uploads(
        self, is_wanted: Callable[[str], bool] | None = None
    ) -> AsyncIterator[FileInfo]:
        """Iterate over the uploads of the folder, or those that are wanted.

        Those that vanish meanwhile are left out.
        """
        return self._listing.list_uploads(is_wanted)

    def get_reader(self, upload_id: str, start: int, length: int) -> AsyncGenerator[bytes, None]:
        """Iterate over `length` bytes from byte `start` on."""
        path = self._data_path(upload_id)
        return FileReading(
            self._threads,
            upload_id,
            path,
            start=start,
            length=length,
            describe_absence=self._absence,
        )

    async def concat_uploads(self, upload_id: str, partial_ids: Sequence[str]) -> None:
        """Join the partials aside, then put the result in place in one step."""
        check_lease()
        await self._threads.run(upload_id, self._concat, upload_id, partial_ids, may_last=True)

    # What follows runs in threads.

    def _data_path(self, upload_id: str) -> str:
        if upload_id.endswith(_RESERVED):
            raise Refused(errors.UPLOAD_NOT_FOUND)
        return f"{self._folder}/{upload_id}"

    def _info_path(self, upload_id: str) -> str:
        return f"{self._folder}/{upload_id}.info"

    def _new_upload(self, info: FileInfo, upload_id: str) -> str:
        path = self._data_path(upload_id)
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
            os.close(os.open(path, flags, self._file_perms))
        except FileExistsError:
            raise Refused(errors.UPLOAD_EXISTS) from None
        except (FileNotFoundError, NotADirectoryError):
            raise self._absence() from None
        storage = {"Type": "filestore", "Path": path, "InfoPath": self._info_path(upload_id)}
        try:
            self._write_info(info.with_place(upload_id, storage))
        except BaseException:
            Path(path).unlink(missing_ok=True)
            raise
        return upload_id

    def _get_info(self, upload_id: str, *, keep: bool = True) -> FileInfo:
        path = self._data_path(upload_id)
        try:
            status = os.stat(self._info_path(upload_id))
            # What another machine has changed may show late in the status of a file.
            info = None if self._shared else self._known.find(upload_id, status)
            if info is None:
                info = info_file.decode(self._read_record(upload_id), 0, None, upload_id)
                if keep:
                    self._known.add_read(info, status)
            return _measure(info, path)
        except FileNotFoundError:
            raise self._absence(upload_id) from None
        except (OSError, ValueError) as failure:
            if isinstance(failure, OSError) and failure.errno not in _NOT_A_FILE:
                raise
            if isinstance(failure, OSError) and not self.path.is_dir():
                raise self._absence() from None
            # A record that a crash of tusd cut off tells nothing; nobody can go on with it.
            self._report_damage(upload_id, failure)
            raise Refused(errors.UPLOAD_DAMAGED) from None

    def _report_damage(self, upload_id: str, failure: Exception) -> None:
        """Log what is wrong with a record, once, and not with every sweep."""
        if upload_id in self._reported_ids:
            return
        if len(self._reported_ids) >= REPORTED_IDS_LIMIT:
            self._reported_ids.clear()
        self._reported_ids.add(upload_id)
        _LOGGER.warning("the record of upload %s is damaged: %s", upload_id, failure)

    def _read_record(self, upload_id: str) -> bytes:
        # A FIFO of that name would block without the flag, and is read as empty with it.
        descriptor = os.open(self._info_path(upload_id), os.O_RDONLY | os.O_NONBLOCK)
        try:
            # One read has all of nearly every record, and the next finds its end.
            pieces = [os.read(descriptor, RECORD_READ_SIZE)]
            total = len(pieces[0])
            while pieces[-1]:
                if total > LARGEST_RECORD:
                    raise ValueError(f"it is over {LARGEST_RECORD} bytes long")
                # The more there is, the more at once: a long record must not take many calls.
                pieces.append(os.read(descriptor, max(total, RECORD_READ_SIZE)))
                total += len(pieces[-1])
            return b"".join(pieces)
        finally:
            # Also for a folder of that name, which can be opened and not be read.
            os.close(descriptor)

    def _absence(self, upload_id: str = "") -> Refused:
        """Return 404, but 503 if the folder is missing: clients would start over after 404.

        Bytes that a crash left without a record are damage: DELETE removes them.
        """
        if self.path.is_dir():
            if is_made_id(upload_id) and os.path.lexists(f"{self.path}/{upload_id}"):
                return Refused(errors.UPLOAD_DAMAGED)
            return Refused(errors.UPLOAD_NOT_FOUND)
        _LOGGER.error("the upload folder %s is missing", self.path)
        return Refused(errors.STORAGE_MISSING)

    def _write_info(self, info: FileInfo) -> None:
        content = info_file.encode(info)
        temporary_path = f"{self._folder}/.{info.id}.info"
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        descriptor = os.open(temporary_path, flags, self._file_perms)
        try:
            write_all(descriptor, memoryview(content), 0)
            os.fsync(descriptor)
            os.replace(temporary_path, self._info_path(info.id))
            status = os.fstat(descriptor)
        except BaseException:
            # On a full disk, what is left would take the room of others until the next sweep.
            remove_file(temporary_path)
            raise
        finally:
            os.close(descriptor)
        if not info_file.keeps_all(info):
            info = info_file.decode(content, 0, None, info.id)
        self._known.add_written(info, status)
        if self._sync:
            self._sync_folder()

    def _update_info(self, upload_id: str, changes: dict[str, Any]) -> None:
        self._write_info(replace(self._get_info(upload_id), **changes))

    def _opener(self, path: str, flags: int) -> int:
        return os.open(path, flags, self._file_perms)

    def _sync_folder(self) -> None:
        descriptor = os.open(self.path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _open(self, path: str) -> int:
        try:
            return os.open(path, os.O_WRONLY)
        except FileNotFoundError:
            raise Refused(errors.UPLOAD_NOT_FOUND) from None

    def _append(self, descriptor: int, data: memoryview, offset: int, lease: Lease | None) -> None:
        if self._shared:
            append_at_end(descriptor, data, offset, lease)
        else:
            write_all(descriptor, data, offset)

    def _write_once(self, path: str, data: memoryview, offset: int, lease: Lease | None) -> None:
        descriptor = self._open(path)
        try:
            self._append(descriptor, data, offset, lease)
            if self._sync:
                os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _terminate(self, upload_id: str) -> None:
        self._known.discard(upload_id)
        for path in (self._data_path(upload_id), self._info_path(upload_id)):
            remove_file(path)
        for ending in ("info", "concat"):
            remove_file(f"{self.path}/.{upload_id}.{ending}")

    def _concat(self, upload_id: str, partial_ids: Sequence[str]) -> None:
        temporary_path = self.path / f".{upload_id}.concat"
        try:
            with open(temporary_path, "wb", buffering=0, opener=self._opener) as file:
                for partial_id in partial_ids:
                    append_file(file.fileno(), Path(self._data_path(partial_id)))
                if self._sync:
                    os.fsync(file.fileno())
            temporary_path.replace(self._data_path(upload_id))
        except BaseException:
            temporary_path.unlink(missing_ok=True)
            raise
        if self._sync:
            self._sync_folder()


def _measure(info: FileInfo, path: str) -> FileInfo:
    """Return an upload with its offset; raise `ValueError` if its record does not fit the bytes."""
    try:
        status = os.stat(path)
    except FileNotFoundError:
        raise ValueError("its bytes are missing") from None
    if stat.S_ISDIR(status.st_mode):
        raise ValueError("its bytes are not in a file")
    if info.size is not None and status.st_size > info.size:
        raise ValueError(f"there are {status.st_size} bytes of {info.size}")
    return info.with_offset(status.st_size, status.st_mtime)
