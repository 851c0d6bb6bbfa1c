"""The interfaces of a store: three methods are enough, each capability adds one or two.

Names and duties are tusd's. A store is called for one upload at a time: the handler holds
the upload's lock around every call that changes it, and checks offsets and limits itself.
Stores refuse an unknown id with `Refused(errors.UPLOAD_NOT_FOUND)`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence

    from tus_reference.model.byte_source import ByteSource
    from tus_reference.model.file_info import FileInfo


class DataStore(Protocol):
    """What every store must offer."""

    async def new_upload(self, info: FileInfo) -> str:
        """Create an empty upload and return its id; `info.id` is the requested one, or empty.

        Raises `Refused(errors.UPLOAD_EXISTS)` rather than touch an existing upload.
        """

    async def write_chunk(self, upload_id: str, offset: int, source: ByteSource) -> int:
        """Append all of `source` at `offset` and return how many bytes are stored.

        Bytes of a source that ends early count as well. On an error the bytes stored
        so far may stay; `get_info` returns how much.
        """

    async def get_info(self, upload_id: str) -> FileInfo:
        """Return the upload with its true offset."""


class InfoStore(Protocol):
    """Takes back the `FileInfo` that it returned, so that a request looks an upload up but once.

    The handler prefers these to the methods of `DataStore` and `Finisher`. It calls them under
    the upload's lock, with an `info` that it has got since it holds the lock.
    """

    async def create(self, info: FileInfo) -> FileInfo:
        """Do what `new_upload` does, and return the upload."""

    async def append(self, info: FileInfo, source: ByteSource) -> FileInfo:
        """Do what `write_chunk` does at `info.offset`, and return the upload as it is then."""

    async def finish(self, info: FileInfo) -> None:
        """Do what `finish_upload` does."""


class Terminater(Protocol):
    """Removes uploads (termination, expiration)."""

    async def terminate(self, upload_id: str) -> None:
        """Remove the upload and free all it uses."""


class Finisher(Protocol):
    """Has work to do when the last byte is stored."""

    async def finish_upload(self, upload_id: str) -> None:
        """Finish a complete upload; called again if it failed or a crash left it undone."""


class GetReader(Protocol):
    """Gives the bytes back (download)."""

    def get_reader(self, upload_id: str, start: int, length: int) -> AsyncGenerator[bytes, None]:
        """Iterate over `length` stored bytes from byte `start` on."""


class Concater(Protocol):
    """Joins uploads (concatenation)."""

    async def concat_uploads(self, upload_id: str, partial_ids: Sequence[str]) -> None:
        """Fill the empty upload with the partials' bytes, all of them or none."""


class LengthDeferrer(Protocol):
    """Accepts uploads whose length comes later (creation-defer-length)."""

    async def declare_length(self, upload_id: str, length: int) -> None:
        """Set the length, in bytes, of an upload that has none yet."""


class InfoSaver(Protocol):
    """Keeps what changes about an upload besides its bytes (expiration, finish marks)."""

    async def save_info(self, info: FileInfo) -> None:
        """Store `info.expires` and `info.finished` of an existing upload."""

    def list_uploads(
        self, is_wanted: Callable[[str], bool] | None = None
    ) -> AsyncIterator[FileInfo]:
        """Iterate over all uploads, or those whose ids are wanted, for the expiry sweep.

        `is_wanted` is called once for each upload, in a thread perhaps.
        """


class KnownUploads(Protocol):
    """Remembers beyond the end of a process what `InfoSaver.list_uploads` has found."""

    def list_known(self) -> AsyncIterator[tuple[str, float | None]]:
        """Iterate over the ids of uploads that a start need not look at.

        With each comes the time when it may expire, in seconds since the epoch; None for never.
        Left out are uploads that were changed since, and those that wait to be joined or completed.
        """


class Cleaner(Protocol):
    """Finds and removes what crashes and full disks leave; ages in seconds."""

    async def list_leftovers(self, age: float) -> Sequence[str]:
        """Return the ids with files that belong to no upload and are over `age` seconds old."""

    async def remove_leftovers(self, upload_id: str, age: float) -> Sequence[str]:
        """Remove such files of one upload, and return their names."""

    async def list_damaged(self, age: float) -> Sequence[str]:
        """Return the ids of damaged uploads, last changed over `age` seconds ago.

        They are those that the latest `list_uploads` and `list_leftovers` came across.
        """


class HealthCheck(Protocol):
    """Knows whether a storage, or what a locker needs, works."""

    async def check_health(self) -> str:
        """Return what is wrong with it; empty if nothing is. Never waits for long."""


class Lock(Protocol):
    """The lock of one upload, for one request; one that can be lost is a `Lease` as well."""

    async def lock(self, request_release: Callable[[], None]) -> None:
        """Wait for the lock, and ask its holder to release it.

        `request_release` is called, once or more, when somebody else wants it.
        """

    async def try_lock(self) -> bool:
        """Take the lock if it is free, without disturbing anybody; say whether it was."""

    async def unlock(self) -> None:
        """Release the lock; only its holder may."""


class PromptLock(Lock, Protocol):
    """A lock that is taken and released without waiting, such as one in memory.

    The handler looks for these methods in every lock: most locks are free, and what waits has a
    price for each request.
    """

    def lock_at_once(self, request_release: Callable[[], None]) -> bool:
        """Do what `lock` does if the lock is free; say whether it was."""

    def unlock_at_once(self) -> None:
        """Do what `unlock` does."""


class Locker(Protocol):
    """Gives one request at a time the right to change an upload."""

    def new_lock(self, upload_id: str) -> Lock:
        """Return a lock that is not taken yet."""
