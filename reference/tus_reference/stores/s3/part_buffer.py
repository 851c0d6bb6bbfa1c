"""`BufferBudget` and `PartBuffer`: parts in the making, within bounds of memory and of disk.

A part's first bytes are in memory as long as the process has memory for parts, and all of it
is in an unlinked temporary file from the moment it has not. Space is paid for as it fills, so
a slow client takes no more than its bytes. The smallest part that may be sent is free for an
upload that has no other part on the way: everybody gets on, however full the process is.
"""

from __future__ import annotations

import io
import tempfile
from typing import IO, TYPE_CHECKING, Any, Final

from anyio import CancelScope
from anyio.to_thread import run_sync

if TYPE_CHECKING:
    from pathlib import Path

    from tus_reference.model import ByteSource

RESERVE_STEP: Final = 1024 * 1024
MIN_BLOCK: Final = 64 * 1024
MAX_BLOCK: Final = 1024 * 1024


class BufferBudget:
    """What parts in the making may take, in bytes: `memory`, and `total` including it."""

    def __init__(self, *, memory: int, total: int, directory: Path | None) -> None:
        self.memory = memory
        self.total = total
        self.directory = directory

    def reserve(self, size: int) -> bool:
        """Take space if there is enough; never waits."""
        if size > self.total:
            return False
        self.total -= size
        return True

    def reserve_memory(self, size: int) -> bool:
        """Take memory if there is enough; never waits."""
        if size > self.memory:
            return False
        self.memory -= size
        return True


class PartBuffer:
    """One part in the making, of at most `full` bytes; close it to give back what it took."""

    def __init__(self, budget: BufferBudget, full: int) -> None:
        self.size = 0
        self._budget = budget
        self._full_size = full
        self._capacity = 0
        self._reserved = 0
        self._memory = 0
        self._blocks: list[bytearray] = []
        self._file: IO[bytes] | None = None
        self._block = bytearray()
        self._filled = 0

    @property
    def room(self) -> int:
        """How many bytes more there is room for, in what was paid for or is free."""
        return self._capacity - self.size

    @property
    def is_full(self) -> bool:
        """Whether the part has all of its bytes."""
        return self.size >= self._full_size

    def reserve_more(self) -> bool:
        """Take space for some bytes more; False if there is none."""
        step = min(RESERVE_STEP, self._full_size - self._capacity)
        if not self._budget.reserve(step):
            return False
        self._capacity += step
        self._reserved += step
        return True

    def ensure_capacity(self, size: int) -> None:
        """Get room for `size` bytes in all for free."""
        self._capacity = max(self._capacity, min(size, self._full_size))

    async def fill(self, source: ByteSource, expected: int | None) -> int:
        """Take in what comes next and fits; return how many bytes came, 0 at the end.

        `expected` is how many bytes are to come, if that is known.
        """
        if self._filled == len(self._block):
            await self._store_block()
            if not self._block:
                self._block = bytearray(self._block_size(expected))
        with memoryview(self._block) as view:
            count = await source.read_into(view[self._filled :][: self.room])
        self._filled += count
        self.size += count
        return count

    def _block_size(self, expected: int | None) -> int:
        size = MIN_BLOCK if not self.size else MAX_BLOCK
        limit = self._full_size - self.size
        return max(min(size, limit, limit if expected is None else expected), 1)

    async def _store_block(self) -> None:
        """Put the current block where it stays: in memory if there is some, or in the file."""
        filled, self._filled = self._filled, 0
        if not filled:
            return
        if self._file is None and self._budget.reserve_memory(filled):
            self._memory += filled
            # A copy of what is filled, which is less than a block, once per part: shortening the
            # block would fail as long as somebody has a view of it, such as a traceback.
            is_whole = filled == len(self._block)
            self._blocks.append(self._block if is_whole else self._block[:filled])
            self._block = bytearray()
            return
        with memoryview(self._block) as view:
            whole: list[bytearray | memoryview] = [*self._blocks, view[:filled]]
            await run_sync(self._spool, whole)
        self._blocks.clear()
        self._release_memory()
        if len(self._block) < MAX_BLOCK:
            # A block as long as they get takes the next bytes; a shorter one gives way.
            self._block = bytearray()

    def _spool(self, blocks: list[bytearray | memoryview]) -> None:
        if self._file is None:
            directory = None if self._budget.directory is None else str(self._budget.directory)
            self._file = tempfile.TemporaryFile(dir=directory, buffering=0)  # noqa: SIM115
        self._file.seek(0, io.SEEK_END)
        for block in blocks:
            with memoryview(block) as rest:
                written = 0
                while written < len(rest):
                    written += self._file.write(rest[written:])

    async def open_body(self) -> Any:
        """Return all bytes as something that can be sent, and sent again."""
        await self._store_block()
        if self._file is not None:
            self._file.seek(0)
            return self._file
        return self._blocks[0] if len(self._blocks) == 1 else BlockReader(self._blocks)

    async def aclose(self) -> None:
        """Give everything back; a long file is closed in a thread, since that takes a while."""
        file, self._file = self._file, None
        self.close()
        if file is not None:
            with CancelScope(shield=True):
                await run_sync(file.close)

    def close(self) -> None:
        """Give everything back at once."""
        if self._file is not None:
            self._file.close()
        self._blocks.clear()
        self._block = bytearray()
        self._budget.total += self._reserved
        self._reserved = 0
        self._release_memory()

    def _release_memory(self) -> None:
        self._budget.memory += self._memory
        self._memory = 0


class BlockReader(io.RawIOBase):
    """Several blocks as one file to read; all but the last may have any size above 0."""

    def __init__(self, blocks: list[bytearray]) -> None:
        super().__init__()
        self._blocks = blocks
        self._length = sum(map(len, blocks))
        self._index = 0
        self._start = 0
        self._position = 0

    def __len__(self) -> int:
        """Return how many bytes there are."""
        return self._length

    def readable(self) -> bool:
        """Return that this can be read."""
        return True

    def seekable(self) -> bool:
        """Return that this can be read again."""
        return True

    def tell(self) -> int:
        """Return the position in bytes."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a position."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._length}[whence]
        self._position = max(start + offset, 0)
        self._index = self._start = 0
        return self._position

    def readinto(self, buffer: Any) -> int:
        """Put the next bytes into `buffer` and return how many; 0 at the end."""
        while self._index < len(self._blocks):
            block = self._blocks[self._index]
            within = self._position - self._start
            if within < len(block):
                with memoryview(block) as view, memoryview(buffer).cast("B") as target:
                    count = min(len(target), len(block) - within)
                    target[:count] = view[within : within + count]
                self._position += count
                return count
            self._start += len(block)
            self._index += 1
        return 0
