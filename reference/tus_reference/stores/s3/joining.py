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

from tus_reference.stores.s3.bucket import Copied
from tus_reference.stores.s3.reading import ObjectReader
from tus_reference.stores.s3.space import PartBuffer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tus_reference.stores.s3.bucket import Bucket, Head, Part
    from tus_reference.stores.s3.keys import Upload
    from tus_reference.stores.s3.sizes import Limits
    from tus_reference.stores.s3.space import Space


@dataclass(frozen=True, slots=True)
class Slice:
    """`length` bytes of the source with this index, from byte `start` on."""

    index: int
    start: int
    length: int


def plan(sizes: Sequence[int], limits: Limits) -> list[tuple[Slice, ...]]:
    """Return the parts of which sources of these sizes, in bytes, are joined.

    A part of one slice is copied, one of several is gathered.
    """
    least = limits.min_part_size
    while True:
        parts = _plan(sizes, least, limits.max_part_size)
        if len(parts) <= limits.max_multipart_parts:
            return parts
        least *= 2


def _plan(sizes: Sequence[int], least: int, most: int) -> list[tuple[Slice, ...]]:
    parts: list[tuple[Slice, ...]] = []
    gathered: list[Slice] = []
    last = max((index for index, size in enumerate(sizes) if size), default=-1)
    for index, size in enumerate(sizes):
        if not size:
            continue
        start = 0
        if gathered:
            start = least - sum(slice_.length for slice_ in gathered)
            # What is left must be large enough itself; S3 copies no range of a small object.
            if size - start < least:
                start = size
            gathered.append(Slice(index, 0, start))
        elif size < least and index != last:
            start = size
            gathered.append(Slice(index, 0, size))
        if sum(slice_.length for slice_ in gathered) >= least:
            parts.append(tuple(gathered))
            gathered = []
        parts += _split(index, start, size - start, most)
    if gathered:
        parts.append(tuple(gathered))
    return parts


def _split(index: int, start: int, length: int, most: int) -> list[tuple[Slice, ...]]:
    """Return a long slice in equal parts."""
    count = -(-length // most)
    ends = [start + length * step // max(count, 1) for step in range(count + 1)]
    return [(Slice(index, a, b - a),) for a, b in pairwise(ends)]


class Joining:
    """Joins objects, given by key and head, into the parts of an upload."""

    def __init__(
        self,
        bucket: Bucket,
        space: Space,
        limits: Limits,
        upload: Upload,
        sources: Sequence[tuple[str, Head]],
    ) -> None:
        self._bucket = bucket
        self._space = space
        self._limits = limits
        self._upload = upload
        self._sources = sources
        self._made: list[Part] = []
        self._failure: Exception | None = None

    async def run(self) -> list[Part]:
        """Store all parts and return them in order; raise what made it fail."""
        numbered = list(enumerate(plan([h.size for _, h in self._sources], self._limits), 1))
        async with anyio.create_task_group() as tasks:
            try:
                for number, slices in numbered:
                    if len(slices) == 1:
                        tasks.start_soon(self._copy, tasks.cancel_scope, number, slices[0])
                for number, slices in numbered:
                    if len(slices) > 1 and self._failure is None:
                        await self._gather(number, slices)
            except Exception as failure:
                self._failure = self._failure or failure
                tasks.cancel_scope.cancel()
        if self._failure is not None:
            raise self._failure
        return sorted(self._made, key=lambda part: part.number)

    async def _copy(self, scope: anyio.CancelScope, number: int, slice_: Slice) -> None:
        key, head = self._sources[slice_.index]
        start = None if slice_.length == head.size else slice_.start
        try:
            source, length = Copied(key, head.etag), slice_.length
            part = await self._bucket.copy_part(self._upload, number, source, length, start)
            self._made.append(part)
        except Exception as failure:
            self._failure = self._failure or failure
            scope.cancel()

    async def _gather(self, number: int, slices: Sequence[Slice]) -> None:
        length = sum(slice_.length for slice_ in slices)
        part = PartBuffer(self._space, length)
        part.have(length)
        try:
            for slice_ in slices:
                await self._read(part, slice_)
            body = await part.body()
            self._made.append(await self._bucket.upload_part(self._upload, number, body, length))
        finally:
            part.close()

    async def _read(self, part: PartBuffer, slice_: Slice) -> None:
        key, head = self._sources[slice_.index]
        reader = ObjectReader(self._bucket, key, slice_.start, slice_.length, head.etag)
        try:
            while await part.fill(reader, reader.size):
                pass
        finally:
            await reader.aclose()
