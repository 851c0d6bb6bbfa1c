"""The content of an upload: bytes made from (seed, upload number, offset), and their comparison.

Nothing is kept in memory: any range can be generated again, to send it or to compare with it.
Every block of 1 KiB begins with a stamp that names the run, the upload and the offset, and the rest
of it differs between uploads. Bytes that are returned at the wrong place, or by the wrong upload,
therefore say where they belong.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from hashlib import shake_128
from struct import Struct
from typing import Literal, Protocol
from zlib import crc32

BLOCK = 1024
"""Bytes from one stamp to the next."""

WORKER_SHIFT = 40
"""The bits of an upload's number that count the uploads of one worker; the others are its index."""

_STAMP = Struct(">8sQQI")  # the run, the upload, the offset, and a checksum of the last two
_FILLER = BLOCK - _STAMP.size
_POOL = 1 << 20
_WINDOW = 4 * BLOCK
"""Bytes that are kept from the first difference on, to find out whose they are."""


@lru_cache(maxsize=2)
def _make_pool(seed: int) -> tuple[bytes, bytes]:
    """Return the 8 bytes that stamps of a seed begin with, and random bytes to fill blocks with."""
    digest = shake_128(f"tus load {seed}".encode()).digest(8 + _POOL)
    return digest[:8], digest[8:]


def _check(number: int, offset: int) -> int:
    """Return the checksum of a stamp: what is left of a broken one must not name an upload."""
    return crc32(b"%d %d" % (number, offset))


def describe_number(number: int) -> str:
    """Return what an upload is called in findings."""
    worker, count = divmod(number, 1 << WORKER_SHIFT)
    return f"upload {count}" + (f" of worker {worker}" if worker else "")


def _bytes(count: int) -> str:
    return f"{count} byte is" if count == 1 else f"{count} bytes are"


@dataclass(frozen=True)
class Place:
    """Where bytes belong: the number of an upload, and the offset in it."""

    number: int
    offset: int


class LoadContent(Protocol):
    """The bytes of a whole upload."""

    @property
    def seed(self) -> int:
        """Return the seed of the run."""
        ...

    def read(self, start: int, stop: int) -> bytes:
        """Return the bytes from start to stop."""
        ...

    def locate(self, place: Place) -> int | None:
        """Return the offset in this content of bytes that say where they belong, if they do."""
        ...


@dataclass(frozen=True)
class UploadContent:
    """The endless bytes of one upload."""

    seed: int
    number: int

    def read(self, start: int, stop: int) -> bytes:
        """Return the bytes from start to stop."""
        if stop <= start:
            return b""
        magic, pool = _make_pool(self.seed)
        first, last = start // BLOCK, (stop - 1) // BLOCK
        blocks = b"".join(self._blocks(magic, pool, first, last + 1))
        skip = start - first * BLOCK
        return blocks[skip : skip + stop - start]

    def _blocks(self, magic: bytes, pool: bytes, first: int, stop: int) -> Iterator[bytes]:
        number, room, pack = self.number, _POOL - _FILLER, _STAMP.pack
        # Two odd factors, so that neither neighbours in one upload nor in time are alike.
        base = number * 0x9E3779B97F4A7C15
        for index in range(first, stop):
            at = (base + index * 0xD1B54A32D192ED03) % room
            yield pack(magic, number, index * BLOCK, _check(number, index * BLOCK))
            yield pool[at : at + _FILLER]

    def locate(self, place: Place) -> int | None:
        """Return the offset of bytes of this upload; None for another one's."""
        return place.offset if place.number == self.number else None


@dataclass(frozen=True)
class JoinedContent:
    """The contents of partial uploads, one after the other, each with its length in bytes."""

    parts: tuple[tuple[UploadContent, int], ...]

    @property
    def seed(self) -> int:
        """Return the seed of the run."""
        return self.parts[0][0].seed

    def read(self, start: int, stop: int) -> bytes:
        """Return the bytes from start to stop."""
        pieces, begin = [], 0
        for content, length in self.parts:
            pieces.append(content.read(max(start - begin, 0), min(stop - begin, length)))
            begin += length
        return b"".join(pieces)

    def locate(self, place: Place) -> int | None:
        """Return the offset of bytes of one of the parts; None for another upload's."""
        begin = 0
        for content, length in self.parts:
            if content.number == place.number:
                return begin + place.offset
            begin += length
        return None


@dataclass(frozen=True)
class Difference:
    """What is wrong with returned bytes: `size` bytes are lost, or are not the upload's own."""

    kind: Literal["lost", "mixed"]
    size: int
    sentence: str


class ByteComparison:
    """Compares bytes with a content, from `start` to `stop`, as they arrive.

    `equal` counts the bytes before the first difference, `received` all of them.
    """

    def __init__(self, content: LoadContent, start: int, stop: int) -> None:
        self.content = content
        self.start, self.stop = start, stop
        self.equal = self.received = 0
        self._wrong = 0
        self._first: int | None = None
        self._window = b""

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""
        position = self.start + self.received
        self.received += len(data)
        expected = self.content.read(position, min(position + len(data), self.stop))
        if self._first is not None:
            self._window += data[: max(_WINDOW - len(self._window), 0)]
        if data == expected:
            self.equal += len(data) if self._first is None else 0
            return
        shared = min(len(data), len(expected))
        xor = int.from_bytes(data[:shared]) ^ int.from_bytes(expected[:shared])
        differing = xor.to_bytes(shared)
        self._wrong += shared - differing.count(0)
        if self._first is None:
            same = shared - len(differing.lstrip(b"\0"))
            self.equal += same
            self._first = position + same
            self._window = data[same : same + _WINDOW]

    def conclude(self) -> Difference | None:
        """Return what is wrong, once all bytes have arrived; None if they are the upload's."""
        missing = (self.stop - self.start) - self.received
        if self._first is None:
            if missing <= 0:
                return None
            at = self.start + self.received
            return Difference("lost", missing, f"{_bytes(missing)} missing at its end, {at}")
        return self._explain(self._first, missing)

    def _explain(self, first: int, missing: int) -> Difference:
        found = self._find_stamp(first)
        if found is not None:
            place, at = found
            logical = self.content.locate(place)
            if logical is None:
                sentence = (
                    f"from {first} on there are bytes of {describe_number(place.number)},"
                    f" offset {place.offset}"
                )
                return Difference("mixed", self._wrong + max(-missing, 0), sentence)
            if logical > at:
                lost = logical - at
                return Difference("lost", lost, f"{_bytes(lost)} missing at {first}")
            if logical < at:
                sentence = f"{_bytes(at - logical)} doubled or foreign at {first}"
                return Difference("mixed", at - logical, sentence)
        if missing > 0:
            return Difference(
                "lost", missing, f"{_bytes(missing)} missing, and others wrong from {first} on"
            )
        wrong = self._wrong + max(-missing, 0)
        return Difference("mixed", wrong, f"{_bytes(wrong)} wrong, the first at {first}")

    def _find_stamp(self, first: int) -> tuple[Place, int] | None:
        """Return the first stamp of this run at or after the difference, and where it was found.

        The difference may lie in a stamp, behind its first bytes, which are then as expected.
        """
        magic = _make_pool(self.content.seed)[0]
        before = self.content.read(max(first - _STAMP.size + 1, self.start), first)
        window = before + self._window
        at = window.find(magic)
        while 0 <= at <= len(window) - _STAMP.size:
            _, number, offset, check = _STAMP.unpack_from(window, at)
            if check == _check(number, offset):
                return Place(number, offset), first - len(before) + at
            at = window.find(magic, at + 1)
        return None
