"""`StoredParts`: what S3 has of an unfinished upload, and what of that counts (rules 1 and 2).

Numbers that are void are kept in the record, in the `Storage` that tusd leaves as it is:

    VoidParts = range *( "," range )        range = first "-" last
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from tus_reference.model import FileInfo
    from tus_reference.stores.s3.bucket import Bucket, ObjectHead, StoredPart
    from tus_reference.stores.s3.object_keys import UploadKeys

TAIL_BASE_KEY: Final = "tus-base-offset"
"""The metadata of a tail that has the offset of its first byte, in bytes."""

VOID_PARTS_KEY: Final = "VoidParts"
_RANGES: Final = re.compile(r"\d{1,5}-\d{1,5}(,\d{1,5}-\d{1,5})*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Tail:
    """Bytes too few for a part; `base` is the offset of the first, None in tusd's tails."""

    size: int
    etag: str
    base: int | None


@dataclass(frozen=True)
class StoredParts:
    """The parts and the tail that count, and the number that the next part gets.

    `orphans` are numbers from there on that are taken by parts which do not count. `leftover`
    tells that there is a tail object that does not count.
    """

    parts: tuple[StoredPart, ...] = ()
    next_number: int = 1
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

    def with_tail(self, tail: Tail | None) -> StoredParts:
        """Return the state with another tail, or with none at all."""
        return replace(self, tail=tail, leftover=False)


def count_contiguous(
    parts: Iterable[StoredPart], tail: Tail | None, void: Collection[int] = ()
) -> StoredParts:
    """Return what counts of these parts, in order of their numbers, and of this tail.

    Some servers list a number twice after a part was sent again because its reply was lost:
    that is one part. Two parts under one number are none, for nobody knows which it is.
    """
    contiguous: list[StoredPart] = []
    orphans: list[int] = []
    number = _next_number(1, void)
    for found in _by_number(parts):
        if found[0].number in void:
            continue
        if found[0].number == number and len(found) == 1:
            contiguous.append(found[0])
            number = _next_number(number + 1, void)
        else:
            orphans.append(found[0].number)
    stored = StoredParts(tuple(contiguous), number, tuple(orphans))
    if tail is None or not tail.size:
        return stored
    # A tail of tusd's that stands beside a gap may have been stored after what is missing.
    is_contiguous = tail.base == stored.base if tail.base is not None else not orphans
    return replace(stored, tail=tail if is_contiguous else None, leftover=not is_contiguous)


def _next_number(number: int, void: Collection[int]) -> int:
    while number in void:
        number += 1
    return number


def _by_number(parts: Iterable[StoredPart]) -> Iterator[list[StoredPart]]:
    """Group different parts of some bytes by their numbers."""
    ordered = sorted({part for part in parts if part.size}, key=lambda part: part.number)
    return (list(group) for _, group in groupby(ordered, key=lambda part: part.number))


async def list_stored_parts(
    bucket: Bucket, upload: UploadKeys, info: FileInfo, first: ObjectHead | None
) -> StoredParts | None:
    """Return what counts, `first` being the tail as seen before; None if all is gone.

    A tail without a mark is looked at again: it may have been replaced or taken into a part
    meanwhile.
    """
    void = void_parts(info)
    while True:
        parts = await bucket.list_parts(upload)
        if parts is None:
            return None
        tail = tail_of(first)
        if tail is None or tail.base is not None:
            return count_contiguous(parts, tail, void)
        again = await bucket.head(upload.tail)
        if again == first:
            return count_contiguous(parts, tail, void)
        first = again


def tail_of(head: ObjectHead | None) -> Tail | None:
    """Return the tail that an object is."""
    if head is None:
        return None
    base = head.metadata.get(TAIL_BASE_KEY, "")
    return Tail(head.size, head.etag, int(base) if base.isdecimal() else None)


def void_parts(info: FileInfo) -> frozenset[int]:
    """Return the numbers that are void; raise `ValueError` if the record has none of that form."""
    text = info.storage.get(VOID_PARTS_KEY, "")
    if text and not _RANGES.fullmatch(text):
        raise ValueError(f"{VOID_PARTS_KEY} is not a list of ranges")
    ranges = (piece.partition("-") for piece in text.split(",") if piece)
    return frozenset(n for first, _, last in ranges for n in range(int(first), int(last) + 1))


def void_orphans(
    info: FileInfo, stored: StoredParts, beyond: int = 0
) -> tuple[FileInfo, StoredParts]:
    """Return the record and the state with all numbers void that orphans have, or are below.

    So are the `beyond` numbers after those.
    """
    last = max(stored.orphans, default=stored.next_number - 1) + beyond
    ranges = [info.storage[VOID_PARTS_KEY]] if VOID_PARTS_KEY in info.storage else []
    ranges.append(f"{stored.next_number}-{last}")
    info = replace(info, storage={**info.storage, VOID_PARTS_KEY: ",".join(ranges)})
    return info, replace(stored, next_number=last + 1, orphans=())
