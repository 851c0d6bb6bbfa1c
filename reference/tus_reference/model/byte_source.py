"""`ByteSource`: the bytes of one request as a store sees them, and their iteration in pieces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

CHUNK_SIZE: Final = 64 * 1024
"""The largest piece of an iteration, in bytes."""


class ByteSource(Protocol):
    """The bytes of one request; it never raises, it just ends, early if the client leaves."""

    @property
    def size(self) -> int | None:
        """How many bytes will come at most, or None if unknown."""

    async def read_into(self, buffer: memoryview) -> int:
        """Put the next bytes into `buffer` and return how many; 0 at the end."""

    def __aiter__(self) -> AsyncIterator[bytes]:
        """Iterate over the bytes in pieces of at most 64 KiB."""


class FileSource(ByteSource, Protocol):
    """A source whose bytes may be in a file, from which a store on disk can copy them.

    Stores look for this method in every source.
    """

    def find_file(self) -> int | None:
        """Return the descriptor of a file that has all of the bytes and no other; None if none."""


async def iter_chunks(source: ByteSource) -> AsyncIterator[bytes]:
    """Iterate over what is left of `source` in pieces of at most 64 KiB."""
    with memoryview(bytearray(CHUNK_SIZE)) as view:
        while count := await source.read_into(view):
            yield bytes(view[:count])
