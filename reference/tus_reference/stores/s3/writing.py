"""`Writing`: one body on its way into parts and a tail.

The body is cut into parts of full size, each sent while the next is received. When it ends,
the rest becomes a part if it may, and else the tail. Whatever fails, what is stored then is
what counts: the tail is touched after everything before it is stored, and the parts sent at
the same time count up to the first that is missing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from tus_reference.handler.source import pieces
from tus_reference.protocol import Refused, errors
from tus_reference.stores.s3.reading import ObjectReader
from tus_reference.stores.s3.space import SMALLEST_BLOCK, PartBuffer
from tus_reference.stores.s3.stored import BASE, Stored, Tail

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from anyio.abc import TaskGroup

    from tus_reference.handler import ByteSource
    from tus_reference.stores.s3.bucket import Bucket, Part
    from tus_reference.stores.s3.keys import Upload
    from tus_reference.stores.s3.sizes import Limits
    from tus_reference.stores.s3.space import Space


class Writing:
    """The writing of one body behind what is `stored`; `size` is the upload's, if known."""

    def __init__(
        self,
        bucket: Bucket,
        space: Space,
        limits: Limits,
        upload: Upload,
        *,
        stored: Stored,
        size: int | None,
    ) -> None:
        self._bucket = bucket
        self._space = space
        self._limits = limits
        self._upload = upload
        self._before = stored
        self._size = size
        self._base = stored.base
        self._number = stored.next_number - 1
        self._open: set[PartBuffer] = set()
        self._part = self._new_part()
        self._sent: list[Part] = []
        self._pending = 0
        self._gone_through = anyio.Event()
        self._failure: Exception | None = None
        self._sending: TaskGroup

    def _new_part(self) -> PartBuffer:
        """Begin the next part, as long as it may become and with room as far as it is free."""
        arguments = (self._size, self._base, self._number)
        self._least = self._limits.least(*arguments)
        part = PartBuffer(self._space, self._limits.full(*arguments))
        self._open.add(part)
        return part

    async def run(self, source: ByteSource) -> Stored:
        """Store all of `source` and return what counts then; raise what made it fail."""
        try:
            async with anyio.create_task_group() as self._sending:
                await self._receive(source)
            if self._failure is not None:
                raise self._failure
            return await self._settle_tail()
        finally:
            for part in self._open:
                part.close()

    async def _receive(self, source: ByteSource) -> None:
        """Receive the body; what made that fail is kept until the parts sent are through."""
        try:
            await self._cut(Peeked(source))
        except Exception as failure:
            self._failure = self._failure or failure

    async def _cut(self, peeked: Peeked) -> None:
        """Cut the body into parts and send them; only what becomes the tail is left."""
        if not await peeked.peek():
            return
        if self._before.tail is not None:
            await self._load_tail(self._before.tail)
        while await self._has_room():
            if not await self._part.fill(peeked, peeked.size):
                break
            if self._base + self._part.size > self._limits.max_object_size:
                raise Refused(errors.MAX_SIZE_EXCEEDED)
        if self._part.size and (self._completes() or self._part.size >= self._least):
            self._send()

    async def _has_room(self) -> bool:
        """Make room for more bytes, sending the part if it is full or space is short."""
        while self._failure is None:
            if self._part.is_full:
                self._send()
            if self._part.room:
                return True
            if not self._pending and self._part.size < self._least:
                self._part.have(self._least)
            elif not self._part.pay():
                if self._part.size >= self._least:
                    self._send()
                else:
                    await self._gone_through.wait()
        return False

    def _completes(self) -> bool:
        return self._base + self._part.size == self._size

    def _send(self) -> None:
        """Send the part that was made, and begin the next."""
        part = self._part
        self._base += part.size
        self._number += 1
        self._part = self._new_part()
        self._pending += 1
        self._sending.start_soon(self._send_part, self._number, part)

    async def _send_part(self, number: int, part: PartBuffer) -> None:
        try:
            body = await part.body()
            self._sent.append(await self._bucket.upload_part(self._upload, number, body, part.size))
        except Exception as failure:
            self._failure = self._failure or failure
            self._sending.cancel_scope.cancel()
        finally:
            self._open.discard(part)
            await part.aclose()
            self._pending -= 1
            gone_through, self._gone_through = self._gone_through, anyio.Event()
            gone_through.set()

    async def _load_tail(self, tail: Tail) -> None:
        """Begin the first part with the tail, and mark the tail if it is one of tusd's."""
        self._part.have(tail.size)
        reader = ObjectReader(self._bucket, self._upload.tail, 0, tail.size, tail.etag)
        try:
            while await self._part.fill(reader, reader.size):
                pass
        finally:
            await reader.aclose()
        if tail.base is None:
            await self._put_tail()

    async def _put_tail(self) -> None:
        body = await self._part.body()
        await self._bucket.put(self._upload.tail, body, {BASE: str(self._base)})

    async def _settle_tail(self) -> Stored:
        """Store what is left as the tail, or remove the one that is contained in a part."""
        before = self._before
        if not self._sent and not self._part.size:
            return before
        sent = sorted(self._sent, key=lambda part: part.number)
        stored = Stored((*before.parts, *sent), self._number + 1)
        if self._part.size:
            await self._put_tail()
            return stored.with_tail(Tail(self._part.size, "", self._base))
        if before.tail is not None or before.leftover:
            await self._bucket.delete(self._upload.tail)
        return stored


class Peeked:
    """A source whose first bytes are taken in before anything is done for it."""

    def __init__(self, source: ByteSource) -> None:
        self._source = source
        self._first = memoryview(b"")
        self.size = source.size

    async def peek(self) -> bool:
        """Wait for the first bytes; return whether there are any."""
        length = SMALLEST_BLOCK if self.size is None else min(self.size, SMALLEST_BLOCK)
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
        return pieces(self)
