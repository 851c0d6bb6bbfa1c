"""`PartWriter`: one body on its way into parts and a tail.

The body is cut into parts of full size, each sent while the next is received. When it ends,
the rest becomes a part if it may, and else the tail. Whatever fails, what is stored then is
what counts: the tail is touched after everything before it is stored, and the parts sent at
the same time count up to the first that is missing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from tus_reference.model import Refused, current_lease, errors, iter_chunks
from tus_reference.stores.s3.object_reader import ObjectReader
from tus_reference.stores.s3.part_buffer import MIN_BLOCK, PartBuffer
from tus_reference.stores.s3.stored_parts import TAIL_BASE_KEY, StoredParts, Tail

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from anyio.abc import TaskGroup

    from tus_reference.model import ByteSource
    from tus_reference.stores.s3.bucket import Bucket, StoredPart
    from tus_reference.stores.s3.object_keys import UploadKeys
    from tus_reference.stores.s3.part_buffer import BufferBudget
    from tus_reference.stores.s3.part_limits import PartLimits


class PartWriter:
    """The writing of one body behind what is `stored`; `size` is the upload's, if known."""

    def __init__(
        self,
        bucket: Bucket,
        budget: BufferBudget,
        limits: PartLimits,
        upload: UploadKeys,
        *,
        stored: StoredParts,
        size: int | None,
    ) -> None:
        self._bucket = bucket
        self._budget = budget
        self._limits = limits
        self._upload = upload
        self._initial = stored
        self._size = size
        self._base = stored.base
        self._number = stored.next_number - 1
        self._tail_etag = _tail_etag(stored)
        self._equal_length = _equal_length(limits, stored, size)
        self._open_buffers: set[PartBuffer] = set()
        self._part = self._new_part()
        self._sent_parts: list[StoredPart] = []
        self._pending = 0
        self._part_finished = anyio.Event()
        self._failure: Exception | None = None
        self._send_tasks: TaskGroup

    def _new_part(self) -> PartBuffer:
        """Begin the next part, as long as it may become and with room as far as it is free."""
        if self._equal_length is None:
            arguments = (self._size, self._base, self._number)
            self._min_size = self._limits.min_length(*arguments)
            full_size = self._limits.full_length(*arguments)
        else:
            self._min_size = full_size = self._equal_length
        part = PartBuffer(self._budget, full_size)
        self._open_buffers.add(part)
        return part

    async def run(self, source: ByteSource) -> StoredParts:
        """Store all of `source` and return what counts then; raise what made it fail."""
        try:
            async with anyio.create_task_group() as self._send_tasks:
                await self._receive(source)
            if self._failure is not None:
                raise self._failure
            return await self._store_tail()
        finally:
            for part in self._open_buffers:
                part.close()

    async def _receive(self, source: ByteSource) -> None:
        """Receive the body; what made that fail is kept until the parts sent are through."""
        try:
            await self._split_into_parts(PeekableSource(source))
        except Exception as failure:
            self._failure = self._failure or failure

    async def _split_into_parts(self, peekable: PeekableSource) -> None:
        """Cut the body into parts and send them; only what becomes the tail is left."""
        if not await peekable.peek():
            return
        if self._initial.tail is not None:
            await self._load_tail(self._initial.tail)
        while await self._make_room():
            if not await self._part.fill(peekable, peekable.size):
                break
            if self._exceeds_limits():
                raise Refused(errors.MAX_SIZE_EXCEEDED)
        if self._part.size and (self._completes_upload() or self._part.size >= self._min_size):
            self._send()

    async def _make_room(self) -> bool:
        """Make room for more bytes, sending the part if it is full or space is short."""
        while self._failure is None:
            if self._part.is_full:
                self._send()
            if self._part.room:
                return True
            if not self._pending and self._part.size < self._min_size:
                self._part.ensure_capacity(self._min_size)
            elif not self._part.reserve_more():
                if self._part.size >= self._min_size:
                    self._send()
                else:
                    await self._part_finished.wait()
        return False

    def _exceeds_limits(self) -> bool:
        """Return whether S3 holds no object that long, or no part number is left for the rest."""
        if self._base + self._part.size > self._limits.max_object_size:
            return True
        return bool(self._part.size) and self._number >= self._limits.max_multipart_parts

    def _completes_upload(self) -> bool:
        return self._base + self._part.size == self._size

    def _send(self) -> None:
        """Send the part that was made, and begin the next."""
        part = self._part
        self._base += part.size
        self._number += 1
        self._part = self._new_part()
        self._pending += 1
        self._send_tasks.start_soon(self._send_part, self._number, part)

    async def _send_part(self, number: int, part: PartBuffer) -> None:
        try:
            body = await part.open_body()
            self._sent_parts.append(
                await self._bucket.upload_part(self._upload, number, body, part.size)
            )
        except Exception as failure:
            self._failure = self._failure or failure
            self._send_tasks.cancel_scope.cancel()
        finally:
            self._open_buffers.discard(part)
            await part.aclose()
            self._pending -= 1
            part_finished, self._part_finished = self._part_finished, anyio.Event()
            part_finished.set()

    async def _load_tail(self, tail: Tail) -> None:
        """Begin the first part with the tail, and mark the tail if it is one of tusd's."""
        self._part.ensure_capacity(tail.size)
        reader = ObjectReader(self._bucket, self._upload.tail, 0, tail.size, tail.etag)
        try:
            while await self._part.fill(reader, reader.size):
                pass
        finally:
            await reader.aclose()
        if tail.base is None:
            await self._upload_tail()

    async def _upload_tail(self) -> str:
        """Store the part as the tail and return its ETag."""
        body = await self._part.open_body()
        metadata = {TAIL_BASE_KEY: str(self._base)}
        if self._tail_etag is None or current_lease() is None:
            etag = await self._bucket.put(self._upload.tail, body, metadata)
        else:
            # A server that has lost its lease may send this late, over a newer tail.
            key = self._upload.tail
            etag = await self._bucket.swap(key, body, metadata, self._tail_etag)
        self._tail_etag = etag or None
        return etag

    async def _store_tail(self) -> StoredParts:
        """Store what is left as the tail, or remove the one that is contained in a part."""
        initial = self._initial
        if not self._sent_parts and not self._part.size:
            return initial
        sent = sorted(self._sent_parts, key=lambda part: part.number)
        stored = StoredParts((*initial.parts, *sent), self._number + 1)
        if self._part.size:
            etag = await self._upload_tail()
            return stored.with_tail(Tail(self._part.size, etag, self._base))
        if initial.tail is not None or initial.leftover:
            await self._bucket.delete(self._upload.tail)
        return stored


def _tail_etag(stored: StoredParts) -> str | None:
    """Return the ETag of the tail, empty if there is none; None if it is not known."""
    if stored.leftover:
        return None
    return "" if stored.tail is None else stored.tail.etag or None


def _equal_length(limits: PartLimits, stored: StoredParts, size: int | None) -> int | None:
    """Return how long all parts but the last are; None if they need not be equal."""
    if not limits.equal_parts:
        return None
    return stored.parts[0].size if stored.parts else limits.equal_length(size)


class PeekableSource:
    """A source whose first bytes are taken in before anything is done for it."""

    def __init__(self, source: ByteSource) -> None:
        self._source = source
        self._first = memoryview(b"")
        self.size = source.size

    async def peek(self) -> bool:
        """Wait for the first bytes; return whether there are any."""
        length = MIN_BLOCK if self.size is None else min(self.size, MIN_BLOCK)
        buffer = memoryview(bytearray(max(length, 1)))
        self._first = buffer[: await self._source.read_into(buffer)]
        return bool(self._first)

    async def read_into(self, buffer: memoryview) -> int:
        """Put the next bytes into `buffer` and return how many; 0 at the end."""
        if not self._first:
            return await self._source.read_into(buffer)
        count = min(len(self._first), len(buffer))
        buffer[:count] = self._first[:count]
        self._first = self._first[count:]
        return count

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Iterate over the bytes in pieces of at most 64 KiB."""
        return iter_chunks(self)
