"""`PlainChunks`: the chunks of a body, without the input and output, as long as they are plain.

    plain-chunk = 1*15HEXDIG CRLF chunk-data CRLF
    plain-end   = "0" CRLF CRLF

All clients send these. Whatever else a body in chunks may have (extensions, trailers, mistakes)
is left to h11, which goes on at the beginning of a chunk. The bytes of a chunk are copied once at
most; those that are received straight into the buffer of the reader are not.
"""

from __future__ import annotations

import re
from enum import Enum, auto
from typing import Final

FIRST_SPACE: Final = 4 * 1024
SPACE: Final = 64 * 1024
"""How much space there is for received bytes when a client fills it, and at first; in bytes."""

CHUNKS_PER_TURN: Final = 256
"""How many chunks are taken before other connections get their turn."""

_SIZE: Final = re.compile(rb"([0-9A-Fa-f]{1,15})\r\n")
_SIZE_BEGUN: Final = re.compile(rb"[0-9A-Fa-f]{0,15}\r?")
_FOOTER: Final = b"\r\n"
_END: Final = b"0\r\n\r\n"


class ChunkState(Enum):
    """Why `PlainChunks.take` has stopped."""

    NEEDS_BYTES = auto()
    MAY_GO_ON = auto()
    """The buffer is full, or others should get their turn."""

    COMPLETE = auto()
    MALFORMED = auto()
    NOT_PLAIN = auto()


class PlainChunks:
    """The chunks of one body, of which `received` came with the head."""

    def __init__(self, received: bytes) -> None:
        self._bytes = bytearray()
        self._view = memoryview(self._bytes)
        self._hold(received, FIRST_SPACE)
        self._is_full = False
        self._footer_due = False
        self.remaining = 0
        """How many bytes of the chunk have not been taken yet."""

    @property
    def direct(self) -> int:
        """How many bytes can be received straight into the buffer of the reader."""
        return self.remaining if self._start == self._end else 0

    @property
    def rest(self) -> bytes:
        """The bytes that were received and not taken."""
        return bytes(self._view[self._start : self._end])

    def free_space(self) -> memoryview:
        """Return where to put what is received; `add` says how much that was."""
        size = len(self._bytes)
        self._hold(self.rest, min(4 * size, SPACE) if self._is_full else size)
        return self._view[self._end :]

    def _hold(self, received: bytes, size: int) -> None:
        """Keep bytes at the beginning of a space of at least `size` bytes."""
        if size != len(self._bytes) or len(received) > size:
            self._bytes = bytearray(max(size, len(received)))
            self._view = memoryview(self._bytes)
        self._bytes[: len(received)] = received
        self._start, self._end = 0, len(received)

    def add(self, count: int) -> None:
        """Take note of bytes in the free space."""
        self._end += count
        self._is_full = self._end == len(self._bytes)

    def skip(self, count: int) -> None:
        """Take note of bytes of the chunk that the reader has received itself."""
        self.remaining -= count
        self._footer_due = self.remaining == 0

    def take(self, buffer: memoryview) -> tuple[int, ChunkState]:
        """Move bytes of chunks into `buffer`; return how many, and why there are no more."""
        filled = 0
        for _ in range(CHUNKS_PER_TURN):
            if not self.remaining:
                state = self._begin_chunk()
                if state is not ChunkState.MAY_GO_ON:
                    return filled, state
            count = min(self.remaining, self._end - self._start, len(buffer) - filled)
            buffer[filled : filled + count] = self._view[self._start : self._start + count]
            filled += count
            self._start += count
            if count:
                self.skip(count)
            if filled == len(buffer):
                break
            if self.remaining:
                return filled, ChunkState.NEEDS_BYTES
        return filled, ChunkState.MAY_GO_ON

    def _begin_chunk(self) -> ChunkState:
        """Read what is between the bytes of two chunks."""
        if self._footer_due:
            footer = self._view[self._start : min(self._start + 2, self._end)]
            if footer != _FOOTER[: len(footer)]:
                return ChunkState.MALFORMED
            if len(footer) < 2:
                return ChunkState.NEEDS_BYTES
            self._start += 2
            self._footer_due = False
        size = _SIZE.match(self._bytes, self._start, self._end)
        if size is not None and (length := int(size[1], 16)):
            self._start, self.remaining = size.end(), length
            return ChunkState.MAY_GO_ON
        begun = bytes(self._view[self._start : min(self._start + 17, self._end)])
        if begun.startswith(_END):
            self._start += len(_END)
            return ChunkState.COMPLETE
        if _END.startswith(begun) or _SIZE_BEGUN.fullmatch(begun):
            return ChunkState.NEEDS_BYTES
        return ChunkState.NOT_PLAIN
