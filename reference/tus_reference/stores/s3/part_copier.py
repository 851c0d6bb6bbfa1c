"""Joining partial uploads: S3 copies what it can, and what is too small goes through us.

S3 wants 5 MiB of every part but the last, so a small partial upload is gathered with what
follows it until there is enough. Copies run at the same time and are at most `max_part_size`
long; gathered parts are made one after the other, in a buffer as for an upload.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import anyio

from tus_reference.stores.s3.bucket import CopySource, CopyUnsupported
from tus_reference.stores.s3.object_reader import ObjectReader
from tus_reference.stores.s3.part_buffer import PartBuffer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tus_reference.stores.s3.bucket import Bucket, ObjectHead, StoredPart
    from tus_reference.stores.s3.object_keys import UploadKeys
    from tus_reference.stores.s3.part_buffer import BufferBudget
    from tus_reference.stores.s3.part_limits import PartLimits


@dataclass(frozen=True, slots=True)
class SourceSlice:
    """`length` bytes of the source with this index, from byte `start` on."""

    index: int
    start: int
    length: int


def plan_parts(sizes: Sequence[int], limits: PartLimits) -> list[tuple[SourceSlice, ...]]:
    """Return the parts of which sources of these sizes, in bytes, are joined.

    A part of one slice is copied, one of several is gathered.
    """
    if limits.equal_parts:
        return _plan_equal_parts(sizes, limits.equal_length(sum(sizes)))
    min_size = limits.min_part_size
    while True:
        parts = _plan_with_min_size(sizes, min_size, limits.max_part_size)
        if len(parts) <= limits.max_multipart_parts:
            return parts
        min_size *= 2


def _plan_equal_parts(sizes: Sequence[int], length: int) -> list[tuple[SourceSlice, ...]]:
    """Cut the sources, as if they were one, every `length` bytes."""
    parts: list[tuple[SourceSlice, ...]] = []
    collected: list[SourceSlice] = []
    room = length
    for index, size in enumerate(sizes):
        start = 0
        while start < size:
            slice_ = SourceSlice(index, start, min(room, size - start))
            collected.append(slice_)
            start += slice_.length
            room -= slice_.length
            if not room:
                parts.append(tuple(collected))
                collected, room = [], length
    return [*parts, tuple(collected)] if collected else parts


def _plan_with_min_size(
    sizes: Sequence[int], min_size: int, max_size: int
) -> list[tuple[SourceSlice, ...]]:
    parts: list[tuple[SourceSlice, ...]] = []
    collected: list[SourceSlice] = []
    last = max((index for index, size in enumerate(sizes) if size), default=-1)
    for index, size in enumerate(sizes):
        if not size:
            continue
        start = 0
        if collected:
            start = min_size - sum(slice_.length for slice_ in collected)
            # What is left must be large enough itself; S3 copies no range of a small object.
            if size - start < min_size:
                start = size
            collected.append(SourceSlice(index, 0, start))
        elif size < min_size and index != last:
            start = size
            collected.append(SourceSlice(index, 0, size))
        if sum(slice_.length for slice_ in collected) >= min_size:
            parts.append(tuple(collected))
            collected = []
        parts += _split(index, start, size - start, max_size)
    if collected:
        parts.append(tuple(collected))
    return parts


def _split(index: int, start: int, length: int, max_size: int) -> list[tuple[SourceSlice, ...]]:
    """Return a long slice in equal parts."""
    count = -(-length // max_size)
    ends = [start + length * step // max(count, 1) for step in range(count + 1)]
    return [(SourceSlice(index, a, b - a),) for a, b in pairwise(ends)]


class PartCopier:
    """Joins objects, given by key and head, into the parts of an upload."""

    def __init__(
        self,
        bucket: Bucket,
        budget: BufferBudget,
        limits: PartLimits,
        upload: UploadKeys,
        sources: Sequence[tuple[str, ObjectHead]],
    ) -> None:
        self._bucket = bucket
        self._budget = budget
        self._limits = limits
        self._upload = upload
        self._sources = sources
        self._parts: list[StoredPart] = []
        self._failure: Exception | None = None
        self._to_send: list[tuple[int, tuple[SourceSlice, ...]]] = []

    async def run(self) -> list[StoredPart]:
        """Store all parts and return them in order; raise what made it fail."""
        numbered = list(enumerate(plan_parts([h.size for _, h in self._sources], self._limits), 1))
        copied = [(number, slices) for number, slices in numbered if self._can_copy(slices)]
        self._to_send = [part for part in numbered if part not in copied]
        async with anyio.create_task_group() as tasks:
            for number, slices in copied:
                tasks.start_soon(self._copy_slice, tasks.cancel_scope, number, slices[0])
            await self._send_parts(tasks.cancel_scope)
        # Those that this S3 refused to copy.
        async with anyio.create_task_group() as tasks:
            await self._send_parts(tasks.cancel_scope)
        if self._failure is not None:
            raise self._failure
        return sorted(self._parts, key=lambda part: part.number)

    def _can_copy(self, slices: Sequence[SourceSlice]) -> bool:
        """Return whether S3 copies these bytes: of a small object, it copies all or nothing."""
        size = self._sources[slices[0].index][1].size
        whole = slices[0].length == size
        return len(slices) == 1 and (whole or size > self._limits.min_part_size)

    async def _send_parts(self, scope: anyio.CancelScope) -> None:
        """Read and send the parts that are not copied, one after the other."""
        try:
            while self._to_send and self._failure is None:
                await self._upload_collected(*self._to_send.pop())
        except Exception as failure:
            self._failure = self._failure or failure
            scope.cancel()

    async def _copy_slice(self, scope: anyio.CancelScope, number: int, slice_: SourceSlice) -> None:
        key, head = self._sources[slice_.index]
        start = None if slice_.length == head.size else slice_.start
        try:
            source, length = CopySource(key, head.etag), slice_.length
            part = await self._bucket.copy_part(self._upload, number, source, length, start)
            self._parts.append(part)
        except CopyUnsupported:
            self._to_send.append((number, (slice_,)))
        except Exception as failure:
            self._failure = self._failure or failure
            scope.cancel()

    async def _upload_collected(self, number: int, slices: Sequence[SourceSlice]) -> None:
        length = sum(slice_.length for slice_ in slices)
        part = PartBuffer(self._budget, length)
        part.ensure_capacity(length)
        try:
            for slice_ in slices:
                await self._read_slice(part, slice_)
            body = await part.open_body()
            self._parts.append(await self._bucket.upload_part(self._upload, number, body, length))
        finally:
            await part.aclose()

    async def _read_slice(self, part: PartBuffer, slice_: SourceSlice) -> None:
        key, head = self._sources[slice_.index]
        reader = ObjectReader(self._bucket, key, slice_.start, slice_.length, head.etag)
        try:
            while await part.fill(reader, reader.size):
                pass
        finally:
            await reader.aclose()
