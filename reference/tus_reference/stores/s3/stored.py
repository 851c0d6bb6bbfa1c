"""`Stored`: what S3 has of an unfinished upload, and what of that counts (rules 1 and 2)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tus_reference.stores.s3.bucket import Bucket, Head, Part
    from tus_reference.stores.s3.keys import Upload

BASE: Final = "tus-base-offset"
"""The metadata of a tail that has the offset of its first byte, in bytes."""


@dataclass(frozen=True, slots=True)
class Tail:
    """Bytes too few for a part; `base` is the offset of the first, None in tusd's tails."""

    size: int
    etag: str
    base: int | None


@dataclass(frozen=True)
class Stored:
    """The parts and the tail that count; `orphans` are numbers of parts that do not.

    `leftover` tells that there is a tail object that does not count.
    """

    parts: tuple[Part, ...] = ()
    orphans: tuple[int, ...] = ()
    tail: Tail | None = None
    leftover: bool = False

    @cached_property
    def base(self) -> int:
        """The bytes in parts."""
        return sum(part.size for part in self.parts)

    @property
    def offset(self) -> int:
        """The bytes that count."""
        return self.base + (0 if self.tail is None else self.tail.size)

    def with_tail(self, tail: Tail | None) -> Stored:
        """Return the state with another tail, or with none at all."""
        return replace(self, tail=tail, leftover=False)


def counted(parts: Iterable[Part], tail: Tail | None) -> Stored:
    """Return what counts of these parts, in order of their numbers, and of this tail."""
    contiguous: list[Part] = []
    orphans: list[int] = []
    for part in parts:
        if part.size and part.number == len(contiguous) + 1:
            contiguous.append(part)
        elif part.size:
            orphans.append(part.number)
    found = Stored(tuple(contiguous), tuple(orphans))
    if tail is None or not tail.size:
        return found
    # A tail of tusd's that stands beside a gap may have been stored after what is missing.
    fits = tail.base == found.base if tail.base is not None else not orphans
    return replace(found, tail=tail if fits else None, leftover=not fits)


async def look_up(bucket: Bucket, upload: Upload, first: Head | None) -> Stored | None:
    """Return what counts, `first` being the tail as seen before; None if all is gone.

    A tail without a mark is looked at again: it may have been replaced or taken into a part
    meanwhile.
    """
    while True:
        parts = await bucket.parts(upload)
        if parts is None:
            return None
        tail = tail_of(first)
        if tail is None or tail.base is not None:
            return counted(parts, tail)
        again = await bucket.head(upload.tail)
        if again == first:
            return counted(parts, tail)
        first = again


def tail_of(head: Head | None) -> Tail | None:
    """Return the tail that an object is."""
    if head is None:
        return None
    base = head.metadata.get(BASE, "")
    return Tail(head.size, head.etag, int(base) if base.isdecimal() else None)


async def void(bucket: Bucket, upload: Upload, stored: Stored) -> None:
    """Overwrite orphans with nothing, so that their numbers can be used again (rule 1)."""
    for number in stored.orphans:
        await bucket.upload_part(upload, number, b"", 0)
