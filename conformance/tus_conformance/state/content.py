"""The content of an upload: bytes made from the seed, so that every one of them can be checked.

Each upload has content of its own. A byte that turns up in the wrong upload, or at the wrong
place, is therefore seen, and no content has to be kept to compare with.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from hashlib import shake_128
from typing import Protocol

BLOCK = 65536


@lru_cache(maxsize=64)
def _block(key: str, index: int) -> bytes:
    return shake_128(f"{key}#{index}".encode()).digest(BLOCK)


class Content(Protocol):
    """The bytes that an upload is made of."""

    @property
    def key(self) -> str:
        """Return the name that the bytes go by in a record."""
        ...

    def chunks(self, start: int, stop: int) -> Iterator[bytes]:
        """Yield the bytes from start to stop in pieces of at most 64 KiB."""
        ...


def read_content(content: Content, start: int, stop: int) -> bytes:
    """Return the bytes of a content from start to stop."""
    return b"".join(content.chunks(start, stop))


@dataclass(frozen=True)
class GeneratedContent:
    """The endless bytes that belong to one key, the same on every machine."""

    key: str

    def chunks(self, start: int, stop: int) -> Iterator[bytes]:
        """Yield the bytes from start to stop in pieces of at most 64 KiB."""
        position = start
        while position < stop:
            index, skip = divmod(position, BLOCK)
            piece = _block(self.key, index)[skip : skip + stop - position]
            yield piece
            position += len(piece)


@dataclass(frozen=True)
class ConcatenatedContent:
    """The contents of several uploads, one after the other, each with its length in bytes."""

    parts: tuple[tuple[Content, int], ...]

    @property
    def key(self) -> str:
        """Return the keys of the parts, joined."""
        return " + ".join(content.key for content, _ in self.parts)

    def chunks(self, start: int, stop: int) -> Iterator[bytes]:
        """Yield the bytes from start to stop in pieces of at most 64 KiB."""
        begin = 0
        for content, length in self.parts:
            first, last = max(start - begin, 0), min(stop - begin, length)
            if first < last:
                yield from content.chunks(first, last)
            begin += length


class ContentComparison:
    """Compares bytes with content as they arrive; `first_difference` is where they differ first."""

    def __init__(self, content: Content, start: int = 0) -> None:
        self._content = content
        self.position = start
        self.first_difference: int | None = None

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""
        expected = read_content(self._content, self.position, self.position + len(data))
        if self.first_difference is None and data != expected:
            same = (a == b for a, b in zip(data, expected, strict=False))
            wrong = next((at for at, equal in enumerate(same) if not equal), len(expected))
            self.first_difference = self.position + wrong
        self.position += len(data)
