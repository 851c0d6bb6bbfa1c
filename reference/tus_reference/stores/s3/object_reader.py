"""`ObjectReader`: the bytes of an object, over broken connections, as a source for parts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from anyio import CancelScope
from anyio.to_thread import run_sync

from tus_reference.model import iter_chunks
from tus_reference.stores.s3 import storage_failures

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tus_reference.stores.s3.bucket import Bucket

READ_ATTEMPTS: Final = 5


class ObjectReader:
    """`length` bytes of an object from byte `start` on; close it in the end.

    A connection that breaks is replaced by one that goes on from there. With `etag`, all bytes
    are of that version of the object or none come. Raises `Refused` if the storage fails.
    """

    def __init__(
        self, bucket: Bucket, key: str, start: int, length: int, etag: str | None = None
    ) -> None:
        self._bucket = bucket
        self._key = key
        self._position = start
        self._remaining = length
        self._etag = etag
        self._stream: Any = None
        self._attempts_left = READ_ATTEMPTS

    @property
    def size(self) -> int:
        """How many bytes will come."""
        return self._remaining

    async def read_into(self, buffer: memoryview) -> int:
        """Put the next bytes into `buffer` and return how many; 0 at the end."""
        while self._remaining:
            if self._stream is None:
                self._stream = await self._bucket.open(
                    self._key, self._position, self._remaining, self._etag
                )
            try:
                piece = await run_sync(self._stream.read, min(len(buffer), self._remaining))
            except Exception as failure:
                await self._retry_or_raise(storage_failures.log_and_convert(failure, "get_object"))
                continue
            if not piece:
                await self._retry_or_raise(storage_failures.truncated_response())
                continue
            buffer[: len(piece)] = piece
            self._position += len(piece)
            self._remaining -= len(piece)
            return len(piece)
        return 0

    async def _retry_or_raise(self, failure: BaseException) -> None:
        await self.aclose()
        self._attempts_left -= 1
        if not self._attempts_left:
            raise failure

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Iterate over the bytes in pieces of at most 64 KiB."""
        return iter_chunks(self)

    async def aclose(self) -> None:
        """Let go of the connection."""
        stream, self._stream = self._stream, None
        if stream is not None:
            with CancelScope(shield=True):
                await run_sync(stream.close)
